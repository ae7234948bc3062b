//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// leastFiles is how many files a process must be able to have open for a replay: connections to brokers and the store,
// objects, volumes of what is spilled. With fewer, connections to brokers fail in a way that looks like brokers that are
// away, and are tried again for as long as brokers would be.
const leastFiles = 64

// enoughFiles refuses to begin where it could not go on.
func enoughFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= leastFiles {
		return nil //nolint:nilerr // a limit that cannot be asked for is no reason not to try
	}
	return fmt.Errorf("this process may have %d files open, and a replay needs %d\nRaise the limit: ulimit -n 1024", limit.Cur, leastFiles)
}
