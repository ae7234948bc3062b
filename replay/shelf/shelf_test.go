package shelf

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestAPartIsWrittenAndReadAnywhere has parts of one volume, whose bytes come back when the last of them is dropped.
func TestAPartIsWrittenAndReadAnywhere(t *testing.T) {
	s := New(Options{Folder: t.TempDir() + "/made", Limit: 100})
	var parts []Part
	for _, text := range []string{"first", "another"} {
		p, err := s.Place(int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.WriteAt([]byte(text), 0); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	b := make([]byte, 4)
	if n, err := parts[1].ReadAt(b, 0); n != 4 || err != nil || !bytes.Equal(b, []byte("anot")) {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if n, err := parts[0].ReadAt(b, 3); n != 2 || err != io.EOF {
		t.Errorf("behind its end a part gives %q, %v", b[:n], err)
	}
	if _, err := parts[0].WriteAt(b, 3); err == nil {
		t.Error("a part writes over the next one")
	}
	parts[0].Drop()
	if u := s.Use(); u != (Use{Bytes: 12, Files: 1}) {
		t.Errorf("with one part dropped: %+v", u)
	}
	parts[1].Drop()
	if u := s.Use(); u != (Use{}) {
		t.Errorf("with all parts dropped: %+v", u)
	}
}

// TestVolumesHaveNoNamesAndAreOurs looks for what is left in the folder, and at who may read what was there.
func TestVolumesHaveNoNamesAndAreOurs(t *testing.T) {
	s := New(Options{Folder: t.TempDir(), Limit: 100})
	p, err := s.Place(10)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Drop()
	if left, err := os.ReadDir(s.Folder); err != nil || len(left) > 0 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
	info, err := p.volume.file.Stat()
	if err != nil || info.Mode().Perm() != fs.FileMode(0o600) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAShelfTakesNoMoreThanItMay(t *testing.T) {
	s := New(Options{Folder: t.TempDir(), Limit: 20 << 20})
	p, err := s.Place(18 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Drop()
	if _, err := s.Place(5 << 19); err == nil || !strings.Contains(err.Error(), "may take 20.0 MiB, take 18.0 MiB, and need 2.5 MiB more") ||
		!strings.Contains(err.Error(), "limits.spill_size") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsFreeOnTheDiskIsNotUsedUp(t *testing.T) {
	s := New(Options{Folder: t.TempDir(), Limit: 1 << 40})
	s.free = func(string) int64 { return spared + 10 }
	p, err := s.Place(10)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Drop()
	if _, err := s.Place(11); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "Make room in "+s.Folder) {
		t.Errorf("got %v", err)
	}
	if left := free(s.Folder); left <= 0 {
		t.Errorf("the disk of %s has %d bytes free", s.Folder, left)
	}
}

func TestReadingManyPartsTakesLessForEach(t *testing.T) {
	s := New(Options{Buffers: 4 << 20})
	if n := s.ReadAhead(); n != LargestReadAhead {
		t.Errorf("the first part has a buffer of %d bytes", n)
	}
	total := 0
	for range 50_000 {
		total += s.ReadAhead()
	}
	if total > 80<<20 {
		t.Errorf("50,000 parts have buffers of %d bytes together", total)
	}
	for range 50_001 {
		s.Read()
	}
	if n := s.ReadAhead(); n != LargestReadAhead {
		t.Errorf("behind them a part has a buffer of %d bytes", n)
	}
}

func TestWhatADiskRefusesComesWithItsCure(t *testing.T) {
	s := New(Options{Folder: "/spill/here"})
	for err, says := range map[error]string{
		syscall.ENOSPC: "Make room in /spill/here",
		syscall.EDQUOT: "Make room in /spill/here",
		syscall.EFBIG:  "Make room in /spill/here",
		syscall.EROFS:  "can be written with --spill-dir",
		syscall.EACCES: "can be written with --spill-dir",
		syscall.EMFILE: "ulimit -n",
	} {
		if got := s.Cure(err); !errors.Is(got, err) || !strings.Contains(got.Error(), says) {
			t.Errorf("%v is told as %v", err, got)
		}
	}
}

// TestWhatLivesLongKeepsNothingElseOnTheDisk puts small parts that stay between large ones that go.
func TestWhatLivesLongKeepsNothingElseOnTheDisk(t *testing.T) {
	s := New(Options{Folder: t.TempDir(), Limit: 1000, Volume: 200})
	apart := s.Apart()
	place := func(s *Shelf, n int64) Part {
		t.Helper()
		p, err := s.Place(n)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var stay []Part
	for range 20 {
		stay = append(stay, place(apart, 10))
		place(s, 190).Drop()
	}
	if u := apart.Use(); u.Bytes != 200 || u.Files != 1 || u != s.Use() {
		t.Errorf("20 parts of 10 bytes that stay take %+v", u)
	}
	if _, err := s.Place(801); err == nil {
		t.Error("shelves that are apart have more room together than one")
	}
	for _, p := range stay {
		p.Drop()
	}
	if u := s.Use(); u != (Use{}) {
		t.Errorf("with all parts dropped: %+v", u)
	}
}
