package harness

import "syscall"

// canFreeze tells whether this system can stop a child without killing it.
const canFreeze = true

// ownGroup puts the child into a group of its own, so that a Ctrl-C meant for the test does not reach it, and has the
// kernel kill it when the test dies without cleaning up.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

func freezeGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGSTOP) }

func thawGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGCONT) }
