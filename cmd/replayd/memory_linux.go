package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// givenMemory is how much memory the process has: what its control group may take, where that is limited, and at most what the
// machine has; 0 when that is not known.
func givenMemory() given {
	root := os.DirFS("/")
	machine, group := machineMemory(root), groupMemory(root)
	if group > 0 && (machine == 0 || group < machine) {
		return given{group, "container"}
	}
	return given{machine, "machine"}
}

// machineMemory is how much memory the machine has, 0 when it does not tell.
func machineMemory(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	_, total, _ := strings.Cut(string(text), "MemTotal:")
	var kib int64
	if _, err := fmt.Sscan(total, &kib); err != nil || kib < 0 {
		return 0
	}
	return kib << 10
}

// groupMemory reads the limit of the groups that the process is in, of version 2 and 1. In a container their folders are
// often not those that /proc names: then it is the container's own that stands at the top.
func groupMemory(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		switch controllers := "," + fields[1] + ","; {
		case fields[0] == "0" && fields[1] == "":
		case strings.Contains(controllers, ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		if n := leastAbove(root, mount, fields[2], file); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// leastAbove is the least limit of a group and of those that it is in, 0 when none has any.
func leastAbove(root fs.FS, mount, group, file string) int64 {
	least := int64(0)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		text, err := fs.ReadFile(root, path.Join(mount, group, file))
		// "max", and in version 1 all there could be, is no limit.
		if n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) {
			least = n
		}
		if group == "/" {
			return least
		}
	}
}
