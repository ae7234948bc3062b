package dir_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// mortal lets the rest of the test read files as an ordinary user does, also when it is root that runs it: CI is, and root
// is denied nothing. The file system's user id belongs to the thread, to which the test is bound until its cleanup.
func mortal(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	const root, nobody = 0, 65534
	become(t, nobody)
	t.Cleanup(func() {
		become(t, root)
		runtime.UnlockOSThread()
	})
}

func become(t *testing.T, user int) {
	t.Helper()
	if err := syscall.Setfsuid(user); err != nil {
		t.Fatal(err)
	}
}
