package format

import (
	"bytes"

	"replayd/archive"
)

// HeadSize is how many decompressed bytes Recognise wants to see.
const HeadSize = 1024

var byteOrderMark = []byte("\xef\xbb\xbf")

// Recognise names the format of an object by its first decompressed bytes, HeadSize of them or all there are. It
// reports false when they begin none: no bytes but white space, or something that is not JSON.
//
// Both json and jsonl read objects with line ends between them; jsonl finds its way back better after damage, json
// reads objects that run over several lines. So an object counts as a line only if it is seen to end within its line.
func Recognise(head []byte) (name string, ok bool) {
	head = bytes.TrimPrefix(head, byteOrderMark)
	head = head[space(head, 0):]
	switch {
	case len(head) == 0:
		return "", false
	case head[0] == '[':
		return Array{}.Name(), true
	case head[0] != '{':
		return "", false
	case beginsWithLine(head):
		return Lines{}.Name(), true
	}
	return JSON{}.Name(), true
}

func beginsWithLine(head []byte) bool {
	line, _, ended := bytes.Cut(head, []byte{'\n'})
	if !ended {
		return false
	}
	w := newWalker(newPaths(archive.Fields{}))
	n, v := w.object(line)
	return v == whole && space(line, n) == len(line)
}
