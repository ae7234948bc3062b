package quantity

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseReadsExactNumbers(t *testing.T) {
	for _, test := range []struct {
		text  string
		units []Unit
		want  int64
	}{
		{"0", Count, 0},
		{"5000", Count, 5000},
		{"50k", Count, 50_000},
		{"1.5k", Count, 1500},
		{"2M", Count, 2_000_000},
		{"20MB", Bytes, 20_000_000},
		{"20MiB", Bytes, 20 << 20},
		{"0.5GiB", Bytes, 512 << 20},
		{"1B", Bytes, 1},
		{"9223372036854775807B", Bytes, 1<<63 - 1},
	} {
		got, err := Parse(test.text, test.units)
		if err != nil || got != test.want {
			t.Errorf("Parse(%q) = %d, %v; want %d", test.text, got, err, test.want)
		}
	}
}

func TestParseRefusesWhatIsNotExact(t *testing.T) {
	for _, text := range []string{
		"", "B", "-1B", "+1B", "1.5B", "1..5KB", ".KB", "1e3B", "0x10B", "1 KB", "20mb", "20Mb", "1/2KB",
		"9223372036854775808B", "9000000000000TiB", "0.00000000000000000000000000001TiB", "5000",
	} {
		if got, err := Parse(text, Bytes); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", text, got)
		}
	}
}

func TestFormatTakesTheLargestUnitThatFits(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1: "1B", 999: "999B", 1000: "1KB", 1024: "1KiB", 5000: "5KB", 20_000_000: "20MB", 20 << 20: "20MiB",
		960 << 10: "960KiB", 16 << 30: "16GiB", 1<<63 - 1: "9223372036854775807B",
	} {
		if got := Format(n, Bytes); got != want {
			t.Errorf("Format(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFormatIsReadBackExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Min(0).Draw(t, "n")
		for _, units := range [][]Unit{Count, Bytes} {
			if got, err := Parse(Format(n, units), units); err != nil || got != n {
				t.Fatalf("%d is written %q and read %d, %v", n, Format(n, units), got, err)
			}
		}
	})
}
