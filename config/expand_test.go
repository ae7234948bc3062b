package config

import "testing"

func TestExpand(t *testing.T) {
	variables := map[string]string{"A": "1", "_B2": "two", "EMPTY": "", "NESTED": "${A}"}
	lookup := func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	for text, want := range map[string]string{
		"":               "",
		"plain":          "plain",
		"${A}":           "1",
		"x${A}y${_B2}z":  "x1ytwoz",
		"${A:-9}":        "1",
		"${UNSET:-9}":    "9",
		"${UNSET:-}":     "",
		"${UNSET:-a:-b}": "a:-b",
		"${EMPTY}":       "",
		"${EMPTY:-9}":    "9",
		"${NESTED}":      "${A}",
		"$${A}":          "${A}",
		"$A $ $$ {A} 5$": "$A $ $$ {A} 5$",
		"$${A} ${A} }":   "${A} 1 }",
	} {
		if got, err := expand(text, lookup); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"${UNSET}", "${A", "${}", "${a b}", "${1A}", "${A-x}", "${:-x}", "${${A}}"} {
		if got, err := expand(text, lookup); err == nil {
			t.Errorf("%q becomes %q, want an error", text, got)
		}
	}
}
