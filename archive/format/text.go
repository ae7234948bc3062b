package format

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends the text of a valid JSON string, given without its quotes. Half a surrogate pair becomes U+FFFD, as
// in encoding/json; bytes that are no UTF-8 stay.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		if raw[i+1] != 'u' {
			dst = append(dst, shortEscape(raw[i+1]))
			i += 2
			continue
		}
		r, n := codePoint(raw[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}

func shortEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// codePoint reads \uXXXX, or two of them when they are a surrogate pair, and how many bytes that took.
func codePoint(raw []byte) (rune, int) {
	r := hex4(raw[2:6])
	if !utf16.IsSurrogate(r) || len(raw) < 12 || raw[6] != '\\' || raw[7] != 'u' {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, hex4(raw[8:12])); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

func hex4(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 16) // the walk has seen that these are four hex digits
	return rune(n)
}

// appendQuoted appends text as a JSON string in the one way that replayd writes it.
func appendQuoted(dst, text []byte) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
