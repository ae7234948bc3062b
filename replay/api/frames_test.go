package api

import (
	"bufio"
	"strings"
	"testing"
)

// FuzzFrames reads anything as a stream of events: no frame is larger than what was sent, and reading ends.
func FuzzFrames(f *testing.F) {
	for _, text := range []string{
		"", "\n\n\n", ": heartbeat\n\n", "retry: 2000\n\n", "id: 1\nevent: replay\ndata: {\"id\":\"a\"}\n\n", "event: gone\ndata: {}\ndata: {}\n\n",
		"event: problem\ndata: {\"status\":404}\n\n", "event: replay\ndata: null\n\n", "event: replay\r\ndata: [\r\n\r\n", "data:x\n", "data", ":\x00\n\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		alive := 0
		r := &frames{lines: bufio.NewScanner(strings.NewReader(text)), alive: func() { alive++ }}
		for {
			frame, err := r.next()
			if err != nil {
				break
			}
			if len(frame.data) > len(text) {
				t.Errorf("%d bytes of %d", len(frame.data), len(text))
			}
			e, known, err := frame.event()
			if known && err != nil || e.ID != frame.id {
				t.Errorf("%+v, known %v, %v", e, known, err)
			}
		}
		if lines := strings.Count(text, "\n") + 1; alive > lines {
			t.Errorf("%d lines of %d", alive, lines)
		}
	})
}

// FuzzTokens reads anything as a file of tokens: what is taken is whole.
func FuzzTokens(f *testing.F) {
	_, line, err := NewToken(Token{Name: "a", Role: Viewer, Archives: Names{"payments"}, Topics: Names{"replay.*"}})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{line, line + line, "", "[]", "# none\n", "- {}", "- [a]", "&a [*a]", "a: b", "- {name: a, role: viewer}", "\x00", "- {expires: 2027-13-01}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parseTokens(text)
		if err != nil {
			return
		}
		for _, token := range list {
			if err := token.validate(); err != nil || !token.Role.Covers(Viewer) {
				t.Errorf("%+v is taken: %v", token, err)
			}
		}
	})
}
