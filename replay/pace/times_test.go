package pace

import "testing"

func TestASettingTimesAFactor(t *testing.T) {
	for _, c := range []struct {
		text   string
		factor float64
		want   string
	}{
		{"500/s", 2, "1000/s"},
		{"20MB/s,x4,5000/s", 0.5, "2500/s,10MB/s,x2"},
		{"1/s", 0.5, "1/s"},
		{"x0.001", 0.5, "x0.001"},
		{"1000000000/s", 2, "1000M/s"},
		{"unlimited", 2, "unlimited"},
	} {
		s, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Parse(c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Times(c.factor); got != want {
			t.Errorf("%s times %v is %s, want %s", c.text, c.factor, got, want)
		}
	}
}
