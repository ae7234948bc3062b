package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// previousVersion is the commit of the replayd that people run before they upgrade to this one. It moves on with each release.
const previousVersion = "f665f4b6c3a8cda034550d4fa253d0ca7573cf95"

// Previous builds the replayd before this one, out of the history of the project, and returns where it is. Where there is no
// history, as in an archive of the sources or a shallow clone, the test is left out.
func Previous(tb testing.TB) string {
	tb.Helper()
	if out, err := exec.Command("git", "cat-file", "-e", previousVersion+"^{commit}").CombinedOutput(); err != nil {
		leaveOut(tb, "previous", fmt.Sprintf("no history with the commit %.12s: %s", previousVersion, bytes.TrimSpace(out)))
	}
	folder := tb.TempDir()
	if err := unpack(previousVersion, folder); err != nil {
		tb.Fatalf("unpack the previous version: %v", err)
	}
	program := filepath.Join(folder, "previous-replayd")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/replayd")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build the previous version: %v\n%s", err, out)
	}
	tested(tb, "previous", previousVersion[:12])
	return program
}

// unpack writes the tree of a commit into a folder.
func unpack(commit, folder string) error {
	top, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return err
	}
	archive := filepath.Join(folder, "tree.tar")
	pack := exec.Command("git", "archive", "--output", archive, commit)
	pack.Dir = string(bytes.TrimSpace(top))
	if out, err := pack.CombinedOutput(); err != nil {
		return fmt.Errorf("git archive: %w: %s", err, out)
	}
	if out, err := exec.Command("tar", "-x", "-f", archive, "-C", folder).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, out)
	}
	return os.Remove(archive)
}
