package pty

import "testing"

func TestAScreenShowsWhatIsLeftOnIt(t *testing.T) {
	for written, want := range map[string]string{
		"a\r\nb\r\n": "a\nb",
		"head\r\none\r\ntwo\r\n\r\x1b[2A\x1b[Jafter\r\n": "head\nafter",
		"one\r\n^C\r\x1b[1A\x1b[Jstopped\r\n":            "stopped",
		"\x1b[90m12:00\x1b[0m \x1b[31mWRN\x1b[0m x\r\n":  "12:00 WRN x",
		"half\rHA\r\n": "HAlf",
		"···\r\n█░":    "···\n█░",
	} {
		if got := Shown(written); got != want {
			t.Errorf("%q shows %q, want %q", written, got, want)
		}
	}
}
