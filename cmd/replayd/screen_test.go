package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The terminal echoes Ctrl-C as ^C where the cursor stands. An erase from there would leave the first columns.
func TestTheBlockIsErasedFromTheLeftEdge(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	s := &screen{file: file}
	s.draw([]string{"one", "two"})
	for _, text := range []string{"stopping\n", "stopped\n"} {
		if _, err := s.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if want := "one\ntwo\n\r\x1b[2A\x1b[Jstopping\nstopped\n"; string(got) != want {
		t.Errorf("written are %q, want %q", got, want)
	}
}
