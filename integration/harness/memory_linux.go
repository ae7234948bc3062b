package harness

import (
	"fmt"
	"os"
	"strings"
)

// PeakMemory is the most memory that a process has had resident, in bytes; 0 when it has ended. What the kernel tells at a
// process' end will not do: it is not less than that of the test, which the process was a copy of.
func PeakMemory(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, _ = fmt.Sscanf(text, "%d kB", &kib)
	return kib << 10
}
