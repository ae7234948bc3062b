package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"
)

// screen is a terminal with a block of lines at its bottom that is drawn again and again. Whatever else is written to it
// comes to stand above the block.
type screen struct {
	file *os.File
	raw  atomic.Bool // the terminal takes a line's end as it is, without going back to the left edge

	mu    sync.Mutex
	drawn int // lines of the block
}

// newScreen returns what to write messages to: a screen where file is a terminal that can redraw, else file itself.
func newScreen(file *os.File) io.Writer {
	if !term.IsTerminal(int(file.Fd())) {
		return file
	}
	return &screen{file: file}
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	if !s.raw.Load() {
		return s.file.Write(p)
	}
	_, err := s.file.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return len(p), err
}

// draw puts lines in the place of the block, each cut at the width of the terminal: a line that wraps could not be erased.
func (s *screen) draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, _, err := term.GetSize(int(s.file.Fd()))
	if err != nil || width < 1 {
		width = 80
	}
	s.erase()
	end := "\n"
	if s.raw.Load() {
		end = "\r\n"
	}
	for _, line := range lines {
		fmt.Fprint(s.file, cutAt(line, width-1), end)
	}
	s.drawn = len(lines)
}

// clear takes the block away.
func (s *screen) clear() { s.draw(nil) }

// erase begins at the left edge: the terminal echoes Ctrl-C as ^C, which leaves the cursor behind it.
func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.file, "\r\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

// cutAt keeps at most n characters.
func cutAt(line string, n int) string {
	if r := []rune(line); len(r) > n {
		return strings.TrimRight(string(r[:max(n, 0)]), " ")
	}
	return line
}
