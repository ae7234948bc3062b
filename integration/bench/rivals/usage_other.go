//go:build !linux

package main

// usage and resident are measured on Linux only.
func usage() (cpu float64, resident int64) { return 0, 0 }

func resident() int64 { return 0 }
