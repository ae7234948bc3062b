package archive

import "testing"

func TestPrintableNamesAreOneLineAndObeyNobody(t *testing.T) {
	for name, want := range map[string]string{
		"2026/11/01/03/o-1 (copy).json.gz": "2026/11/01/03/o-1 (copy).json.gz",
		"größe/日本":                         "größe/日本",
		`say "no"`:                         `say "no"`,
		"../../etc/passwd":                 "../../etc/passwd",
		"a\nreplayd: all is well":          `"a\nreplayd: all is well"`,
		"\x1b[2Jgone":                      `"\x1b[2Jgone"`,
		"a\rb":                             `"a\rb"`,
		"nul\x00":                          `"nul\x00"`,
		"right\u202eleft":                  `"right\u202eleft"`,
		"line\u2028end":                    `"line\u2028end"`,
		"caf\xe9":                          `"caf\xe9"`,
		"\u0085":                           `"\u0085"`,
	} {
		if got := Printable(name); got != want {
			t.Errorf("%q is printed as %s, want %s", name, got, want)
		}
	}
}

func TestAShellTakesWordsAsTheyAre(t *testing.T) {
	for word, want := range map[string]string{
		"b-1.kafka:9092,b-2.kafka:9092": "b-1.kafka:9092,b-2.kafka:9092", "max.bad=1%": "max.bad=1%",
		"": "''", "User:CN=a, O=b": "'User:CN=a, O=b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "~/a": "'~/a'", "a*": "'a*'", "a\nb": `$'a\012b'`, "\x1b]0;x\a": `$'\033]0;x\007'`,
	} {
		if got := ShellWord(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}
