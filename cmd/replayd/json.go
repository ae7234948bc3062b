package main

import (
	"encoding/json"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonTo writes values as JSON lines that a terminal may show as they are. encoding/json leaves in strings what is not of
// ASCII, with it the C1 controls, of which U+009B begins an escape sequence, and the marks that turn the direction of text:
// names of objects may hold them. Escaped they are the same value.
func jsonTo(w io.Writer) *json.Encoder { return json.NewEncoder(visibleJSON{w}) }

// visibleJSON takes whole values, as an Encoder writes them.
type visibleJSON struct{ to io.Writer }

func (v visibleJSON) Write(text []byte) (int, error) {
	if _, err := v.to.Write(escapeUnseen(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// escapeUnseen writes as \u009b what is not seen. Outside of strings JSON has none but the line's end.
func escapeUnseen(text []byte) []byte {
	var out []byte
	done := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r >= 0x7f && !unicode.IsGraphic(r) {
			out = append(append(out, text[done:i]...), escaped(r)...)
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return text
	}
	return append(out, text[done:]...)
}

// escaped is r as JSON escapes it: two of them beyond U+FFFF.
func escaped(r rune) []byte {
	const hex = "0123456789abcdef"
	units := []rune{r}
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		units = []rune{high, low}
	}
	var b []byte
	for _, u := range units {
		b = append(b, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	return b
}
