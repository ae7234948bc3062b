package main

import (
	"testing"
	"testing/fstest"
)

func TestTheMemoryOfTheMachineIsFound(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:       24683524 kB\nMemFree:  1 kB\n": 24683524 << 10, "MemTotal: much": 0, "": 0,
	} {
		if got := machineMemory(fstest.MapFS{"proc/meminfo": &fstest.MapFile{Data: []byte(text)}}); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := machineMemory(fstest.MapFS{}); got != 0 {
		t.Errorf("without the file: %d", got)
	}
	if has := givenMemory(); has.size <= 0 || has.by == "" {
		t.Errorf("this process has %+v", has)
	}
}

func TestTheMemoryOfAContainerIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no control groups": {nil, 0},
		"version 2, in a container": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n",
		}, 1 << 30},
		"version 2, the least of a group and those above it": {map[string]string{
			"proc/self/cgroup":                          "0::/pods/replay/main\n",
			"sys/fs/cgroup/pods/replay/main/memory.max": "max\n",
			"sys/fs/cgroup/pods/replay/memory.max":      "536870912\n",
			"sys/fs/cgroup/pods/memory.max":             "1073741824\n",
		}, 512 << 20},
		"version 2, a folder that cannot be seen": {map[string]string{
			"proc/self/cgroup": "0::/docker/5ab1\n", "sys/fs/cgroup/memory.max": "1073741824\n",
		}, 1 << 30},
		"version 2, no limit": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n",
		}, 0},
		"version 1": {map[string]string{
			"proc/self/cgroup": "12:cpu,cpuacct:/a\n5:memory:/docker/5ab1\n1:name=systemd:/a\n",
			"sys/fs/cgroup/memory/docker/5ab1/memory.limit_in_bytes": "268435456\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":             "9223372036854771712\n",
		}, 256 << 20},
		"version 1, no limit": {map[string]string{
			"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		"both, the memory in version 1": {map[string]string{
			"proc/self/cgroup": "0::/x\n5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
		}, 256 << 20},
		"words that are none": {map[string]string{
			"proc/self/cgroup": "0\n0::/../..\n", "sys/fs/cgroup/memory.max": "much\n",
		}, 0},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := groupMemory(root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
