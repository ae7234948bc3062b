package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"replayd/archive"
)

func noFolder(err error) error {
	return &archive.Permanent{Err: err, Cure: "Give an existing folder that holds the archived files."}
}

// away is the error of a folder that could be opened once and no longer can: perhaps a mount that comes back, so it
// must not pass for an object that is gone.
func away(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return permission(err, path)
	case noMoreFiles(err):
		return tooManyFiles(err)
	}
	return errors.New(err.Error())
}

// noMoreFiles reports whether the process, or the machine, has as many files open as it may.
func noMoreFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// tooManyFiles does not pass by waiting: what is open is needed by what is already under way.
func tooManyFiles(err error) error {
	return &archive.Permanent{Err: err, Cure: "Raise the limit of open files (ulimit -n)."}
}

// fileError sorts the error of a file or folder at place inside the archive's folder.
func fileError(err error, place string) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return permission(cause(err), place)
	case noMoreFiles(err):
		return tooManyFiles(cause(err))
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, cause(err)) // a folder on the way became a file
	case escapes(err):
		return &archive.Permanent{
			Err:  fmt.Errorf("link leads out of the archive's folder: %w", cause(err)),
			Cure: "Give the folder that the link leads to as the archive, or copy the files instead of linking them.",
		}
	}
	return cause(err)
}

// linkError sorts the error of following a link. What a link cannot reach would otherwise be missing in silence.
func linkError(err error, place string) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return &archive.Permanent{
			Err:  fmt.Errorf("link leads nowhere: %w", cause(err)),
			Cure: "Fetch what the link stands for, or remove it.",
		}
	}
	return fileError(err, place)
}

func permission(err error, place string) error {
	return &archive.Permanent{
		Err:  err,
		Cure: fmt.Sprintf("Let the user that runs replayd read it: ls -ld %q", place),
	}
}

// escapes reports whether os.Root itself refused the path. It gives that error no name; all others come from the
// operating system.
func escapes(err error) bool {
	var pathError *fs.PathError
	var number syscall.Errno
	return errors.As(err, &pathError) && !errors.As(pathError.Err, &number) && !errors.Is(err, fs.ErrNotExist)
}

// cause takes the operation and path off an error, which the caller names better.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
