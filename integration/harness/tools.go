package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The Makefile reads this version too.
const kafkaVersion = "4.3.1"

// KafkaVersion is that of the brokers which the harness starts.
const KafkaVersion = kafkaVersion

// toolsDir is the folder of versitygw and the Kafka jars. The default is spelled out instead of taken from
// os.UserCacheDir because the Makefile has to find the same one on every system.
func toolsDir() string {
	if dir := os.Getenv("REPLAYD_TEST_TOOLS"); dir != "" {
		return dir
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "replayd-test")
}

// tool finds a program in the tools folder, else in PATH.
func tool(name string) (string, error) {
	path := filepath.Join(toolsDir(), "bin", name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no %s in %s nor in PATH", name, toolsDir())
	}
	return path, nil
}

// Kcat is the path of kcat, a Kafka client that shares no code with ours.
func Kcat(tb testing.TB) string {
	tb.Helper()
	return Installed(tb, "kcat", "kcat")
}

// Jq is the path of jq, by which people read JSON at a terminal.
func Jq(tb testing.TB) string {
	tb.Helper()
	return Installed(tb, "jq", "jq")
}

// Promtool is the path of promtool, by which Prometheus checks rules and runs their tests.
func Promtool(tb testing.TB) string {
	tb.Helper()
	return Installed(tb, "promtool", "prometheus")
}

// SystemdAnalyze is the path of systemd-analyze, which checks units without a systemd that runs.
func SystemdAnalyze(tb testing.TB) string {
	tb.Helper()
	return Installed(tb, "systemd-analyze", "systemd")
}

// Installed is the path of a program, which Debian has in a package.
func Installed(tb testing.TB, name, pkg string) string {
	tb.Helper()
	path, err := tool(name)
	if err != nil {
		leaveOut(tb, name, fmt.Sprintf("%v (apt-get install %s)", err, pkg))
	}
	tested(tb, name, "")
	return path
}
