//go:build !unix

package main

// enoughFiles knows of no limit here.
func enoughFiles() error { return nil }
