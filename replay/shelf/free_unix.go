//go:build unix

package shelf

import (
	"math"
	"syscall"
)

// free is how many bytes of folder's disk we may use; all there could be, when it does not tell.
func free(folder string) int64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil || disk.Bsize <= 0 {
		return math.MaxInt64
	}
	blocks, size := uint64(disk.Bavail), uint64(disk.Bsize) //nolint:unconvert // other types on other systems
	return int64(min(blocks, math.MaxInt64/size) * size)
}
