package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// once are flags that do not belong into the command that continues a replay: what is frozen, and what only a start needs.
var once = append([]string{
	"id", "create-topic", "partitions", "like-topic", "allow", "wait-broker", "output", "quiet", "verbose", "log-format",
}, aboutSpec...)

// again is the command that continues replay id: its name, and the flags of this session without which cluster or archive
// would not be found, or would be treated otherwise, but for those named in leave.
func (f *replayFlags) again(id string, leave ...string) string {
	words := []string{"replayd run --id " + id}
	f.set.Visit(func(flag *pflag.Flag) {
		stops := flag.Value.String() == stop // which is of this session, and not frozen
		if slices.Contains(once, flag.Name) && !stops || slices.Contains(leave, flag.Name) {
			return
		}
		word := "--" + flag.Name
		if flag.Value.Type() != "bool" {
			word += "=" + quoted(valueOf(flag))
		}
		words = append(words, word)
	})
	return strings.Join(words, " ")
}

// valueOf undoes the brackets that pflag puts around lists.
func valueOf(flag *pflag.Flag) string {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return flag.Value.String()
}

// quoted is a word for a POSIX shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return fmt.Sprintf("'%s'", strings.ReplaceAll(word, "'", `'\''`))
}
