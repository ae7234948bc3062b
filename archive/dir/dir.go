// Package dir reads an archive from a folder.
//
// A key is the path of a file below the folder, with slashes. Listings come in bytewise order of whole keys, as from
// S3, which is not the order in which file managers walk folders:
//
//	a.b/x      because . < /
//	a/x
//	a0
//
// Hidden files are objects like others. Links to files and folders are followed as long as they stay inside the
// folder; one that leads out of it, or nowhere, is an error, because leaving it out in silence would lose events.
// Devices, sockets and pipes hold no stored bytes and are not objects.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"replayd/archive"
)

// Store is a folder. It keeps no file open between calls, so a folder that is unmounted and mounted again goes on
// serving.
type Store struct {
	path string // absolute
}

var _ archive.Store = (*Store)(nil)

// Open returns the folder as a Store. A folder that is not there, is no folder or may not be read is an
// archive.Permanent error.
func Open(path string) (*Store, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open archive folder %s: %w", path, err)
	}
	if info, err := os.Stat(full); err == nil && !info.IsDir() {
		return nil, noFolder(fmt.Errorf("open archive folder %s: not a folder", full))
	}
	s := &Store{path: full}
	root, err := s.root()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFolder(err)
	}
	if err != nil {
		return nil, fileError(err, full)
	}
	return s, root.Close()
}

// String is the absolute path of the folder.
func (s *Store) String() string { return s.path }

// Open returns the bytes of o from offset on. At the end of the file it compares once more: a file that changed while
// it was read ends with archive.ErrChanged instead of io.EOF.
func (s *Store) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	b, err := s.open(ctx, o, offset)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.place(o.Key), err)
	}
	return b, nil
}

func (s *Store) open(ctx context.Context, o archive.Object, offset int64) (*body, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !isKey(o.Key) {
		return nil, fs.ErrNotExist
	}
	root, err := s.root()
	if err != nil {
		return nil, away(err, s.path)
	}
	defer root.Close()
	file, err := openFile(root, o.Key)
	if err != nil {
		return nil, fileError(err, s.place(o.Key))
	}
	b := &body{ctx: ctx, file: file, object: o}
	if err := b.begin(offset); err != nil {
		_ = file.Close()
		return nil, err
	}
	return b, nil
}

// openFile looks before it opens: opening a pipe would wait for a writer.
func openFile(root *os.Root, key string) (*os.File, error) {
	info, err := root.Stat(key)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a file: %w", fs.ErrNotExist)
	}
	return root.Open(key)
}

func (s *Store) root() (*os.Root, error) {
	root, err := os.OpenRoot(s.path)
	if err != nil {
		return nil, fmt.Errorf("open archive folder %s: %w", s.path, cause(err))
	}
	return root, nil
}

// place is the path of an object, for people.
func (s *Store) place(key string) string {
	return archive.Printable(filepath.Join(s.path, filepath.FromSlash(key)))
}

// isKey reports whether a listing could yield key: names joined by single slashes, none of them . or "..".
func isKey(key string) bool {
	for name := range strings.SplitSeq(key, "/") {
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	return true
}
