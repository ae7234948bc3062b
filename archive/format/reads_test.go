package format

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"replayd/archive"
)

// checkScan holds a scanner to what must be true of any bytes: the same entries however they are read, in order and
// inside the object, each event an object of its own; and with a source that fails, the first of them and its error.
func checkScan(t *testing.T, data []byte, limit uint16) {
	for _, f := range formats {
		l := archive.Limits{Event: archive.HeaderReserve + int(limit)}
		want, err := scanAll(f.Scan(bytes.NewReader(data), damageFields, l, nil))
		if err != io.EOF {
			t.Fatalf("%s: the scan ends in %v", f.Name(), err)
		}
		checkEntries(t, f, data, want)
		for how, r := range map[string]io.Reader{
			"byte by byte": iotest.OneByteReader(bytes.NewReader(data)), "with its end": iotest.DataErrReader(bytes.NewReader(data)),
		} {
			s := f.Scan(r, damageFields, l, nil)
			got, err := scanAll(s)
			if !reflect.DeepEqual(got, want) || err != io.EOF || s.Size() != int64(len(data)) {
				t.Fatalf("%s: read %s: %+v, %v\nat once %+v", f.Name(), how, got, err, want)
			}
		}
		checkSlabs(t, f, data, l, want)
		fault := errors.New("fault")
		got, err := scanAll(f.Scan(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(fault)), damageFields, l, nil))
		if err != fault || len(got) > len(want) || !slices.EqualFunc(got, want[:len(got)], equal) {
			t.Fatalf("%s: with a fault at the end: %+v, %v\nwithout %+v", f.Name(), got, err, want)
		}
	}
}

// slabs are of the size that is asked for, or some bytes more, and are kept.
type slabs struct {
	more int
	all  [][]byte
}

func (s *slabs) Slab(n int) ([]byte, error) {
	s.all = append(s.all, make([]byte, n+s.more))
	return s.all[len(s.all)-1], nil
}

// checkSlabs scans data into slabs and looks for the values there when all is read: they stand where the entries said.
func checkSlabs(t *testing.T, f archive.Format, data []byte, l archive.Limits, want []archive.Entry) {
	for _, more := range []int{0, 1 << 16} {
		kept := &slabs{more: more}
		scanner := f.Scan(bytes.NewReader(data), damageFields, l, kept)
		var values [][]byte
		for i := 0; ; i++ {
			var e archive.Entry
			err := scanner.Next(&e)
			if err == io.EOF && i == len(want) {
				break
			}
			if err != nil || i == len(want) || e.InSlab != (e.Bad == "") {
				t.Fatalf("%s: entry %d of %d in slabs of %d more: %+v, %v", f.Name(), i, len(want), more, e, err)
			}
			if e.InSlab {
				values = append(values, kept.all[len(kept.all)-1][e.At:e.At+len(e.Value)])
			} else {
				values = append(values, nil)
			}
			e.InSlab, e.At = false, 0
			if !equal(e, want[i]) {
				t.Fatalf("%s: in slabs entry %d is %+v, else %+v", f.Name(), i, e, want[i])
			}
		}
		for i := range want {
			if !bytes.Equal(values[i], want[i].Value) {
				t.Fatalf("%s: the value of entry %d did not stay where it was: %q, not %q", f.Name(), i, values[i], want[i].Value)
			}
		}
	}
}

func equal(a, b archive.Entry) bool { return reflect.DeepEqual(a, b) }

func checkEntries(t *testing.T, f archive.Format, data []byte, entries []archive.Entry) {
	end := int64(0)
	for _, e := range entries {
		if e.Offset < end || e.Length < 0 || e.Offset+e.Length > int64(len(data)) {
			t.Fatalf("%s: %+v stands behind byte %d of %d", f.Name(), e, end, len(data))
		}
		end = e.Offset + e.Length
		if e.Bad != "" {
			continue
		}
		if n, v := standingOf(e.Value); v != whole || n != len(e.Value) || !bytes.Equal(e.Value, data[e.Offset:end]) {
			t.Fatalf("%s: %q is no event, or not what stands at %d", f.Name(), e.Value, e.Offset)
		}
	}
}

func FuzzScan(f *testing.F) {
	one := `{"id":1,"t":1}`
	for i, s := range []string{
		one + one, one + "\n" + one + "\r\n", "[" + one + "," + one + "]", "\ufeff" + one, one + "x" + one + one, `{"x":"{` + one + one,
		`[{"x":"` + pad(200) + `"},` + one, one + pad(300) + one, `{"x":"` + pad(200) + "\"} \n" + one, one + strings.Repeat(" ", 5000) + ",", "\xef\xbb" + one,
		`{"x":[` + one + one + `]}` + one, pad(200) + "\r\n" + one, `{"id":1,"t":1,"x":"` + pad(60) + `"},`,
	} {
		f.Add([]byte(s), uint16(i*16))
		f.Add([]byte(s), uint16(1000))
	}
	f.Fuzz(checkScan)
}

func TestScansDependOnBytesAlone(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		object, _ := innerEvents(rng, []string{"", "\n", ","}[rng.IntN(3)])
		object = randomDamage(rng, len(object)).apply(object)
		if rng.IntN(3) == 0 {
			object = append([]byte("["), object...)
		}
		checkScan(t, object, uint16(rng.IntN(300)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// What follows decides what an entry is. While the store does not say, nothing is handed out.
func TestNothingIsGuessedBeforeAFault(t *testing.T) {
	one := `{"id":1,"t":1}`
	long := `{"id":2,"t":2,"x":"` + pad(6000) + `"}`
	for _, test := range []struct {
		format archive.Format
		text   string
		want   int // entries before the fault
	}{
		{JSON{}, one, 0},
		{JSON{}, one + " ", 0},
		{JSON{}, one + "{", 1},
		{JSON{}, one + one, 1},
		{JSON{}, one + long, 1},
		{JSON{}, "x" + one, 0},
		{JSON{}, "x", 0},
		{JSON{}, "x" + one + "{", 2},
		{JSON{}, one + `{"id":`, 1},
		{Lines{}, one, 0},
		{Lines{}, one + "\n", 1},
		{Lines{}, "x", 0},
		{Lines{}, one + "\n" + long, 1},
		{Lines{}, one + "\n" + long[:6000], 1},
		{Array{}, "[" + one, 0},
		{Array{}, "[" + one + ",", 1},
		{Array{}, "[" + one + "," + long, 1},
		{Array{}, "[" + one + "," + long[:6000], 1},
		{Array{}, "[", 0},
		{Array{}, "[" + one + "]x", 1},
	} {
		fault := errors.New("fault")
		s := test.format.Scan(io.MultiReader(strings.NewReader(test.text), iotest.ErrReader(fault)), damageFields, archive.Limits{Event: testLimit}, nil)
		if got, err := scanAll(s); len(got) != test.want || err != fault {
			t.Errorf("%s: of %.60q came %q, %v; want %d entries", test.format.Name(), test.text, shown(got), err, test.want)
		}
	}
}

// stutter returns nothing, ever.
type stutter struct{}

func (stutter) Read([]byte) (int, error) { return 0, nil }

func TestASourceThatReturnsNothingIsAFault(t *testing.T) {
	for _, f := range formats {
		if _, err := scanAll(f.Scan(stutter{}, damageFields, archive.Limits{Event: 2000}, nil)); err != io.ErrNoProgress {
			t.Errorf("%s ends in %v", f.Name(), err)
		}
	}
	for _, head := range []string{"", "\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd", "plain plain plain"} {
		var d Decoder
		if _, err := decodeAll(&d, io.MultiReader(strings.NewReader(head), stutter{})); err != io.ErrNoProgress {
			t.Errorf("a decoder behind %q ends in %v", head, err)
		}
	}
}
