package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// width is how many columns the terminal behind w has; 0 when w is none, and nothing is to be folded.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// fold breaks lines of prose at their spaces so that they fit into columns; what goes on stands hang columns from the left.
// A terminal itself breaks in the middle of a word. Commands are not folded: a line end in one would be typed with it.
func fold(text string, columns, hang int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = foldLine(line, columns, hang)
	}
	return strings.Join(lines, "\n")
}

func foldLine(line string, columns, hang int) string {
	if columns < 2*hang || utf8.RuneCountInString(line) <= columns {
		return line
	}
	space := -1
	at := 0
	for i, r := range line {
		if r == ' ' && at > hang {
			space = i
		}
		if at++; at > columns && space > 0 {
			break
		}
	}
	if space < 0 {
		return line
	}
	rest := strings.Repeat(" ", hang) + strings.TrimLeft(line[space:], " ")
	return strings.TrimRight(line[:space], " ") + "\n" + foldLine(rest, columns, hang)
}
