package pace

import "testing"

func TestOfTwoSettingsTheSlowerOfEachKindHolds(t *testing.T) {
	for _, c := range [][3]string{
		{"", "", ""},
		{"", "unlimited", "unlimited"},
		{"unlimited", "unlimited", "unlimited"},
		{"unlimited", "5000/s", "5000/s"},
		{"", "x4", "x4"},
		{"5000/s", "20MB/s", "5000/s,20MB/s"},
		{"5000/s,x2", "6000/s,x1", "5000/s,x1"},
	} {
		a, b, want := parsed(t, c[0]), parsed(t, c[1]), parsed(t, c[2])
		if a.Join(b) != want || b.Join(a) != want {
			t.Errorf("%q and %q join to %q and %q, want %q", a, b, a.Join(b), b.Join(a), want)
		}
	}
}

func TestAWholeIsDividedIntoPartsThatAreNeverNothing(t *testing.T) {
	for _, c := range []struct {
		whole string
		n     int
		want  string
	}{
		{"100MB/s", 4, "25MB/s"},
		{"1000/s,10MB/s", 3, "333/s,3333333B/s"},
		{"100MB/s", 1, "100MB/s"},
		{"100MB/s", 0, "100MB/s"},
		{"2/s", 5, "1/s"},
		{"x4", 2, "x4"},
		{"unlimited", 2, "unlimited"},
		{"", 2, ""},
	} {
		if got := parsed(t, c.whole).Part(c.n); got != parsed(t, c.want) {
			t.Errorf("a part of %q for each of %d is %q, want %q", c.whole, c.n, got, c.want)
		}
	}
}

func parsed(t *testing.T, text string) (s Setting) {
	t.Helper()
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}
