package dir

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"replayd/archive"
)

func TestErrorsAreSortedByWhatCuresThem(t *testing.T) {
	for _, c := range []struct {
		number    syscall.Errno
		curable   bool
		permanent bool
		gone      bool
	}{
		{number: syscall.ENOENT, gone: true},
		{number: syscall.ENOTDIR, gone: true},
		{number: syscall.ENAMETOOLONG, gone: true},
		{number: syscall.EACCES, permanent: true},
		{number: syscall.EPERM, permanent: true},
		{number: syscall.EIO, curable: true},
		{number: syscall.ESTALE, curable: true},
		{number: syscall.EMFILE, permanent: true},
		{number: syscall.ENFILE, permanent: true},
	} {
		err := fileError(&fs.PathError{Op: "openat", Path: "a", Err: c.number}, "/archive/a")
		var p *archive.Permanent
		if archive.Curable(err) != c.curable || errors.As(err, &p) != c.permanent || errors.Is(err, fs.ErrNotExist) != c.gone {
			t.Errorf("%v: %v", error(c.number), err)
		}
		if c.permanent && p.Cure == "" {
			t.Errorf("%v: no cure", err)
		}
	}
}
