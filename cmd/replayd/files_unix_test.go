//go:build unix

package main

import "testing"

func TestNoMoreObjectsAreOpenThanFilesMayBe(t *testing.T) {
	for _, c := range []struct {
		files       uint64
		asked, want int
	}{
		{1 << 20, 256, 256},
		{1024, 256, 256},
		{1024, 4000, 480},
		{100, 256, 18},
		{leastFiles, 256, 2},
		{leastFiles, 1, 1},
		{10, 256, 2},
		{1<<64 - 1, 60_000, 60_000},
	} {
		if got := objectsIn(c.files, c.asked); got != c.want {
			t.Errorf("%d of %d files: %d, want %d", c.asked, c.files, got, c.want)
		}
	}
}
