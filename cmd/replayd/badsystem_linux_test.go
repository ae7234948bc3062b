package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"replayd/integration/ledger"
)

// tooMuch puts an object of n MiB, more than --memory 64MiB holds back, into the archive and returns how many events it has. They
// are not in order, and of bytes that cannot be compressed.
func (b *bench) tooMuch(mib int) int {
	b.t.Helper()
	random := rand.NewChaCha8([32]byte{})
	pad := make([]byte, 48<<10)
	var text strings.Builder
	n := mib * 16
	for i := range n {
		_, _ = random.Read(pad) // never fails
		at := i ^ 1
		fmt.Fprintf(&text, `{"id":"%d","t":"2026-11-01T12:%02d:%02dZ","p":"%s"}`, i, at/60%60, at%60, base64.StdEncoding.EncodeToString(pad))
	}
	b.put("o", []byte(text.String()))
	return n
}

// mounted is a file system of its own, with options of mount -t tmpfs.
func mounted(t *testing.T, options string) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, options); err != nil {
		reason := fmt.Sprintf("a disk to fill cannot be mounted: %v", err)
		if err := ledger.LeftOut("disk", reason); err != nil {
			t.Fatal(err)
		}
		if ledger.Required("disk") {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount %s: %v; files are still open there", folder, err)
		}
	})
	return folder
}

// TestADiskThatCannotHoldWhatIsSpilled replays more than memory holds, first onto a disk that does not hold it either.
func TestADiskThatCannotHoldWhatIsSpilled(t *testing.T) {
	for _, c := range []struct {
		hazard
		folder func(t *testing.T) string
		says   []string
	}{
		{
			hazard{"a disk that fills up while spilling", "the replay fails, names the folder, and is continued with another or more memory", 1, "nowhere before it is produced"},
			func(t *testing.T) string { return mounted(t, "size=4m") },
			[]string{"no space left on device", "Make room in "},
		},
		{
			hazard{"a folder for spilling that cannot be written", "the replay fails, and is continued with another folder or more memory", 1, "nowhere before it is produced"},
			func(t *testing.T) string { return mounted(t, "size=4m,ro") },
			[]string{"read-only file system"},
		},
		{
			hazard{"a folder for spilling that is a file", "the replay fails, and is continued with another folder or more memory", 1, "nowhere before it is produced"},
			func(t *testing.T) string {
				path := filepath.Join(t.TempDir(), "file")
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			},
			[]string{"not a directory"},
		},
	} {
		t.Run(c.input, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			folder := c.folder(t)
			n := b.tooMuch(24)
			r := b.alone(append(b.here("run"), b.what("--topic", "x", "--create-topic", "--id", "spills", "--memory", "64MiB", "--spill-dir", folder, "--pace", "unlimited")...)...)
			r.want(c.exit, append(c.says, "object o", "--spill-dir", "more --memory", "Continue with: replayd run --id spills")...)
			other := t.TempDir()
			receipt := b.alone(b.printed(r.next() + " --spill-dir " + other)...).want(exitOK).receipt()
			if receipt.Produced != int64(n) || len(b.consume("x")) != n {
				t.Errorf("produced %d of %d", receipt.Produced, n)
			}
			if left, err := os.ReadDir(other); err != nil || len(left) > 0 {
				t.Errorf("files are left: %v, %v", left, err)
			}
		})
	}
}

// TestTooFewOpenFiles gives the program fewer descriptors than brokers and archive need, and then as many as it asks for.
func TestTooFewOpenFiles(t *testing.T) {
	w := hazard{"a process that may have too few files open", "refused before anything begins, with the limit to raise", 1, "nothing has begun"}
	b := newBench(t)
	var want []string
	for i := range 40 {
		e := event(fmt.Sprint(i), i)
		b.put(fmt.Sprintf("%02d", i), []byte(e))
		want = append(want, e)
	}
	flags := b.what("--topic", "x", "--create-topic", "--partitions", "1", "--id", "few")
	b.limited(leastFiles-1, flags...).want(w.exit, "may have 63 files open", "needs 64", "ulimit -n 1024")
	b.limited(leastFiles, flags...).want(exitOK)
	if got := b.values("x"); !slices.Equal(got, want) {
		t.Errorf("the topic holds %q", got)
	}
}

// limited is replayd run as a process that may open so many files.
func (b *bench) limited(files int, args ...string) *result {
	b.t.Helper()
	r := &result{t: b.t, args: args}
	script := fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)
	cmd := exec.CommandContext(b.t.Context(), "sh", append([]string{"-c", script, os.Args[0]}, append(b.here("run"), args...)...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = &r.out, &r.err
	cmd.WaitDelay = time.Minute
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	r.code = cmd.ProcessState.ExitCode()
	return r
}
