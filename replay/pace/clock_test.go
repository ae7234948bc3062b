package pace

import (
	"testing"
	"time"
	"unsafe"
)

// jumped is t as a clock tells it whose wall time somebody has set, by whole seconds, while the monotonic time of the
// machine went on. It reaches into time.Time, whose first word holds the seconds of the wall in bits 30 to 62.
func jumped(t time.Time, seconds int64) time.Time {
	wall := (*uint64)(unsafe.Pointer(&t)) //nolint:gosec // the layout is checked by the test that calls this
	*wall += uint64(seconds) << 30
	return t
}

// TestAClockThatIsSetChangesNoPace sets the wall clock back and forth by an hour between grants.
func TestAClockThatIsSetChangesNoPace(t *testing.T) {
	now := time.Now()
	if set := jumped(now, -3600); set.Unix() != now.Unix()-3600 || set.Sub(now) != 0 {
		t.Fatalf("a clock that was set tells %s, %s from before: time.Time is made otherwise than this test knows", set, set.Sub(now))
	}
	for _, text := range []string{"1000/s", "1MB/s", "x2", "1000/s,x2"} {
		var setting Setting
		if err := setting.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		steady, shaken := New(setting, Options{}), New(setting, Options{})
		items := make([]Item, 100_000)
		for i := range items {
			items[i] = Item{Time: int64(i) * int64(time.Millisecond), Bytes: 1000}
		}
		a, b := items, items
		granted := 0
		for step := range int64(200) {
			at := now.Add(time.Duration(step) * 10 * time.Millisecond)
			by := []int64{0, -3600, 3600, 86_400 * 365}[step%4]
			n, wait := steady.take(at, a)
			m, waits := shaken.take(jumped(at, by), b)
			if n != m || wait != waits {
				t.Fatalf("%s at step %d: %d granted and %s to wait, %d and %s when the clock was set by %d s", text, step, n, wait, m, waits, by)
			}
			a, b, granted = a[n:], b[m:], granted+n
		}
		if granted < 1000 {
			t.Errorf("%s: only %d were granted in two seconds", text, granted)
		}
	}
}
