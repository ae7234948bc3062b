package pty

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// Open returns both ends of a new pseudo terminal of 80 columns and 40 rows. They are the caller's to close.
func Open() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var locked, n int32
	size := struct{ rows, columns, x, y uint16 }{rows: 40, columns: 80}
	for _, c := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{
		{syscall.TIOCSPTLCK, unsafe.Pointer(&locked)},
		{syscall.TIOCGPTN, unsafe.Pointer(&n)},
		{syscall.TIOCSWINSZ, unsafe.Pointer(&size)},
	} {
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), c.request, uintptr(c.value)); failed != 0 {
			_ = master.Close()
			return nil, nil, fmt.Errorf("pseudo terminal: %w", failed)
		}
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		_ = master.Close()
	}
	return master, slave, err
}
