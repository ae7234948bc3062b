package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// usage is what this process has taken: seconds of the processor, and the most memory it had resident, in bytes. The maximum
// of getrusage is of no use: a process inherits that of the one that started it.
func usage() (cpu float64, peak int64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds(), kilobytes("VmHWM:") << 10
}

// resident is the memory that this process has resident now, in bytes.
func resident() int64 { return kilobytes("VmRSS:") << 10 }

// kilobytes is a number of /proc/self/status, 0 when it is not there.
func kilobytes(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte(name))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n
}
