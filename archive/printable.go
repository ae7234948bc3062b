package archive

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is a name for people to read: as it is, or quoted as Go does when it holds what a terminal would obey or not
// show. Names of objects are chosen by whoever may write to the archive; one that holds line feeds or escape sequences
// must not write lines of its own into a message.
func Printable(name string) string {
	if !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// ShellWord is a word of a command that people copy into a shell: as it is, or in single quotes when the shell would take it
// apart or replace something in it. What a terminal would obey is written as octal numbers, which all shells that know
// $'…' read alike.
func ShellWord(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=@%+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	if Printable(word) == word {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var quoted strings.Builder
	for i, r := range word {
		_, size := utf8.DecodeRuneInString(word[i:])
		part := word[i : i+size]
		if r != utf8.RuneError && unicode.IsGraphic(r) && r != '\'' && r != '\\' {
			quoted.WriteString(part)
			continue
		}
		for _, b := range []byte(part) {
			fmt.Fprintf(&quoted, `\%03o`, b)
		}
	}
	return "$'" + quoted.String() + "'"
}
