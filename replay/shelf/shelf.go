// Package shelf keeps on disk what does not fit into memory: parts, each written once and then read, from front to back or
// anywhere. They stand in volumes, files of some size that have no name: they are unlinked at opening and go with the
// process. So the number of open files is that of the bytes on disk by the size of a volume, not that of the parts, of which
// an hour of an archive may need 50,000.
package shelf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"replayd/archive"
)

// Shelf is room on disk that a replay has, for parts that live about as long as each other: those that share a volume go
// together. It is safe for concurrent use.
type Shelf struct {
	*disk
	filling *volume // takes the next part; nil before the first
}

// disk is what shelves share.
type disk struct {
	Options
	free func(folder string) int64 // bytes left on its disk

	mu      sync.Mutex
	used    int64
	open    int // volumes that are open files
	readers int // that have a buffer
}

// Options of a Shelf.
type Options struct {
	Folder  string // made when it is needed
	Limit   int64  // bytes of all volumes together
	Buffers int64  // of memory for what is read from front to back; see ReadAhead
	Volume  int64  // bytes of one; default 64 MiB
}

// volume is one file of the shelf. It is closed, and its bytes are free again, when nobody needs a part of it.
type volume struct {
	file  *os.File
	size  int64
	parts int // needed still
}

// volumeSize bounds a volume unless a single part is larger: small enough for disk space to come back while a replay goes
// on, large enough for 16 GiB to be 256 files.
const volumeSize = 64 << 20

// spared is what a shelf leaves free on its disk, which others need, too.
const spared = 64 << 20

// The buffer of what is read from front to back: large while few are, small when an hour has thousands of them at once.
const (
	LargestReadAhead = 32 << 10
	leastReadAhead   = 1 << 10
)

// New returns an empty shelf.
func New(o Options) *Shelf {
	if o.Volume == 0 {
		o.Volume = volumeSize
	}
	return &Shelf{disk: &disk{Options: o, free: free}}
}

// Apart returns a shelf with volumes of its own within the same limits: for parts that live longer or shorter than those of s,
// and would keep them on the disk, or be kept by them.
func (s *Shelf) Apart() *Shelf { return &Shelf{disk: s.disk} }

// Use is what of a shelf is in use.
type Use struct {
	Bytes   int64 // of parts that are needed, and of those that share a volume with them
	Files   int   // open
	Readers int   // that have a buffer
}

// Use tells what is in use of the disk.
func (s *Shelf) Use() Use {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Use{s.used, s.open, s.readers}
}

// Part is a place on a shelf. Its offsets begin at 0.
type Part struct {
	shelf      *Shelf
	volume     *volume
	from, size int64
}

// Place finds room for a part of n bytes. Whoever asked writes it, from one goroutine, and gives it back with Drop. An error
// says how to go on.
func (s *Shelf) Place(n int64) (Part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.Limit {
		return Part{}, &archive.Permanent{
			Err:  fmt.Errorf("spill files may take %s, take %s, and need %s more", mebibytes(s.Limit), mebibytes(s.used), mebibytes(n)),
			Cure: "Raise limits.spill_size, or --memory so that less is spilled",
		}
	}
	if err := s.room(n); err != nil {
		s.release(s.filling)
		return Part{}, s.Cure(err)
	}
	v := s.filling
	p := Part{shelf: s, volume: v, from: v.size, size: n}
	v.size += n
	v.parts++
	s.used += n
	return p, nil
}

// room makes sure of a volume that takes n bytes, and of a disk that does.
func (s *Shelf) room(n int64) error {
	if s.filling == nil || s.filling.size+n > s.Volume {
		if err := os.MkdirAll(s.Folder, 0o700); err != nil {
			return err
		}
		f, err := create(s.Folder)
		if err != nil {
			return err
		}
		s.release(s.filling)
		s.open++
		s.filling = &volume{file: f}
	}
	if left := s.free(s.Folder); left < n+spared {
		return fmt.Errorf("%s are free in %s, of which %s are left to others, and spill files need %s more: %w",
			mebibytes(left), s.Folder, mebibytes(spared), mebibytes(n), syscall.ENOSPC)
	}
	return nil
}

// mebibytes is a size as people read it.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// release closes a volume of which no part is needed.
func (s *Shelf) release(v *volume) {
	if v == nil || v.parts > 0 {
		return
	}
	if v == s.filling {
		s.filling = nil
	}
	_ = v.file.Close() // nobody reads it any more
	s.open--
	s.used -= v.size
}

// create makes a file that only we can read, and that nobody can find.
func create(folder string) (*os.File, error) {
	f, err := os.CreateTemp(folder, "replayd-spill-*") // mode 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Size is how many bytes the part has.
func (p Part) Size() int64 { return p.size }

// WriteAt implements io.WriterAt.
func (p Part) WriteAt(b []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(b)) > p.size {
		return 0, io.ErrShortWrite
	}
	n, err := p.volume.file.WriteAt(b, p.from+at)
	if err != nil {
		err = p.shelf.Cure(err)
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (p Part) ReadAt(b []byte, at int64) (int, error) {
	return io.NewSectionReader(p.volume.file, p.from, p.size).ReadAt(b, at)
}

// Drop gives back the part, which nobody reads any more.
func (p Part) Drop() {
	s, v := p.shelf, p.volume
	s.mu.Lock()
	defer s.mu.Unlock()
	v.parts--
	s.release(v)
}

// ReadAhead is the size of the buffer for one more reader from front to back, until Read.
func (s *Shelf) ReadAhead() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers++
	return min(max(int(s.Buffers)/s.readers, leastReadAhead), LargestReadAhead)
}

// Read ends what ReadAhead began.
func (s *Shelf) Read() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers--
}

// Cure adds the next step to what the disk says.
func (s *Shelf) Cure(err error) error {
	cure := "Name a folder that can be written with --spill-dir, or give more --memory"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		cure = fmt.Sprintf("Make room in %s, or name a folder that has more with --spill-dir, or give more --memory", s.Folder)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		cure = "Raise the limit of open files (ulimit -n)"
	}
	return &archive.Permanent{Err: err, Cure: cure}
}
