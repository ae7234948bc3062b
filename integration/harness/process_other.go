//go:build !linux

package harness

import (
	"errors"
	"os"
	"syscall"
)

// canFreeze tells whether this system can stop a child without killing it.
const canFreeze = false

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(pid int) error {
	child, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return child.Kill()
}

func freezeGroup(int) error { return errors.ErrUnsupported }

func thawGroup(int) error { return errors.ErrUnsupported }
