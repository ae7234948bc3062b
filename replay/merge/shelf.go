package merge

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"replayd/archive"
)

// shelf is the room on disk that the runs of a merge share. It keeps their parts in volumes, files of some size that
// have no name: they are unlinked at opening and go with the process. So the number of open files is that of the bytes
// on disk by volumeSize, not that of the runs, of which an hour may hold 50,000.
type shelf struct {
	folder string
	limit  int64 // bytes of all volumes together
	each   int64 // bytes of one volume
	share  int   // bytes for the buffers of open parts together, as long as they are not too many

	mu      sync.Mutex
	used    int64
	filling *volume // takes the next part; nil before the first
	open    int     // volumes that are open files
	readers int     // parts being read
}

// volume is one file of the shelf. It is closed, and its bytes are free again, when nobody needs a part of it.
type volume struct {
	file  *os.File
	size  int64
	parts int // needed still
}

// volumeSize bounds a volume unless a single part is larger: small enough for disk space to come back while a run is
// read, large enough for 16 GiB to be 256 files.
const volumeSize = 64 << 20

// The buffer of a part being read: large while few are, small when an hour has thousands of them at once.
const (
	largestReadAhead = 32 << 10
	leastReadAhead   = 1 << 10
)

// newShelf allows limit bytes in folder, and some memory for reading.
func newShelf(folder string, limit, memory int64) *shelf {
	return &shelf{folder: folder, limit: limit, each: volumeSize, share: int(memory / 16)}
}

// place finds room for a part of n bytes. Whoever asked gives it back with drop.
func (s *shelf) place(n int64) (*volume, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.limit {
		return nil, 0, &archive.Permanent{
			Err:  fmt.Errorf("spill files may take %d bytes and would take more", s.limit),
			Cure: "Raise limits.spill_size, or --memory so that less is spilled",
		}
	}
	if s.filling == nil || s.filling.size+n > s.each {
		v, err := s.volume()
		if err != nil {
			return nil, 0, s.cure(err)
		}
		s.filling = v
	}
	v, at := s.filling, s.filling.size
	v.size += n
	v.parts++
	s.used += n
	return v, at, nil
}

// volume opens a file.
func (s *shelf) volume() (*volume, error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(s.folder, "replayd-spill-*") // mode 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	s.open++
	return &volume{file: f}, nil
}

// drop gives back the room of one part.
func (s *shelf) drop(v *volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.parts--
	if v.parts > 0 {
		return
	}
	if v == s.filling {
		s.filling = nil
	}
	_ = v.file.Close() // nobody reads it any more
	s.open--
	s.used -= v.size
}

// readAhead is the size of the buffer for one more part; end says that it is no longer read.
func (s *shelf) readAhead() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers++
	return min(max(s.share/s.readers, leastReadAhead), largestReadAhead)
}

func (s *shelf) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers--
}

// cure adds the next step to what the disk says.
func (s *shelf) cure(err error) error {
	cure := "Name a folder that can be written with --spill-dir, or give more --memory"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		cure = fmt.Sprintf("Make room in %s, or name a folder that has more with --spill-dir, or give more --memory", s.folder)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		cure = "Raise the limit of open files (ulimit -n)"
	}
	return &archive.Permanent{Err: err, Cure: cure}
}
