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

// openable is how many objects may be open when so many are asked for: half of the files beside the least. The others are for
// volumes of what is spilled.
func openable(asked int) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return asked
	}
	return objectsIn(limit.Cur, asked)
}

// objectsIn is openable where a process may have so many files open.
func objectsIn(files uint64, asked int) int {
	const least = 2 // one is read while another is asked for
	spare := uint64(0)
	if files > leastFiles {
		spare = (files - leastFiles) / 2
	}
	return int(min(uint64(asked), max(spare, least)))
}

// enoughFiles refuses to begin where it could not go on.
func enoughFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= leastFiles {
		return nil //nolint:nilerr // a limit that cannot be asked for is no reason not to try
	}
	return fmt.Errorf("this process may have %d files open, and a replay needs %d\nRaise the limit: ulimit -n 1024", limit.Cur, leastFiles)
}
