// Package pty has what tests of programs at a terminal share: a pseudo terminal, on Linux, and what then stands on its screen.
package pty

import (
	"regexp"
	"strconv"
	"strings"
)

// control is what a program tells a terminal beside text: lines up, erase to the end, colours.
var control = regexp.MustCompile("^\x1b\\[([0-9;]*)([A-Za-z])")

// Shown is what stands on a screen after text was written to it. Its lines are as long as they were written: a person can
// make the window wider.
func Shown(text string) string {
	lines, row, column := [][]rune{nil}, 0, 0
	for len(text) > 0 {
		if m := control.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			switch m[2] {
			case "A":
				n, _ := strconv.Atoi(m[1])
				row = max(0, row-n)
			case "J":
				lines = lines[:row+1]
				lines[row] = lines[row][:min(column, len(lines[row]))]
			}
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			column = 0
		case '\n':
			if row++; row == len(lines) {
				lines = append(lines, nil)
			}
		default:
			line := lines[row]
			for len(line) <= column {
				line = append(line, ' ')
			}
			line[column] = r
			lines[row] = line
			column++
		}
	}
	var out []string
	for _, line := range lines {
		out = append(out, strings.TrimRight(string(line), " "))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}
