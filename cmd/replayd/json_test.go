package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestJSONLinesHoldOnlyWhatIsSeenAndTheSameValue(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                `"plain"`,
		"größe/日本 😀":           `"größe/日本 😀"`,
		"\u009b31m":            `"\u009b31m"`,
		"\x7f\u202e\u2028":     `"\u007f\u202e\u2028"`,
		"\x1b\n":               `"\u001b\n"`,
		"tag \U000E0041 end\"": `"tag \udb40\udc41 end\""`,
		"":                     `""`,
	} {
		var out bytes.Buffer
		if err := jsonTo(&out).Encode(text); err != nil || out.String() != want+"\n" {
			t.Errorf("%q is written as %s, want %s: %v", text, &out, want, err)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != text {
			t.Errorf("%q is read back as %q: %v", text, back, err)
		}
	}
}
