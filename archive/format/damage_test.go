package format

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"replayd/archive"
)

var damageFields = archive.Fields{ID: "/id", Time: "/t"}

// oneDamage is what may happen to one place of an object: bytes are lost there, and others come in their stead.
type oneDamage struct {
	at, lost int
	added    string
}

func (d oneDamage) apply(data []byte) []byte {
	return slices.Concat(data[:d.at], []byte(d.added), data[d.at+d.lost:])
}

// judge checks what was found in a damaged object against the events it was made of. What lies beside the damage must
// be one of them. What includes it must begin where one of them did, or in the damage; unless the damage is a splice
// of two events, of which nobody can say what it is, but not a part of one.
type judge struct {
	starts map[int]int // of the events, with their lengths
	object []byte
	damage oneDamage
}

func (j judge) judge(e archive.Entry) error {
	from, to := int(e.Offset), int(e.Offset+e.Length)
	behind := j.damage.at + len(j.damage.added)
	shift := len(j.damage.added) - j.damage.lost
	switch length, ok := j.starts[from]; {
	case to <= j.damage.at:
		if !ok || length != to-from {
			return fmt.Errorf("the event at %d, before the damage, is made up: %s", from, e.Value)
		}
	case from >= behind:
		if length, ok := j.starts[from-shift]; !ok || length != to-from {
			return fmt.Errorf("the event at %d, behind the damage, is made up: %s", from, e.Value)
		}
	case from < j.damage.at && !ok && !j.one(e.Value) && (!j.splice() || j.part(e.Value)):
		return fmt.Errorf("the event at %d, with the damage inside, begins as an inner object: %s", from, e.Value)
	}
	return nil
}

// one reports whether value is an event of the object.
func (j judge) one(value []byte) bool {
	for from, length := range j.starts {
		if bytes.Equal(value, j.object[from:from+length]) {
			return true
		}
	}
	return false
}

// splice reports whether bytes of more than one event are lost.
func (j judge) splice() bool {
	for from := range j.starts {
		if j.damage.at < from && from < j.damage.at+j.damage.lost {
			return true
		}
	}
	return false
}

func (j judge) part(value []byte) bool { return bytes.Contains(j.object, value) }

// untouched counts the events that the damage left alone.
func (j judge) untouched() int {
	n := 0
	for from, length := range j.starts {
		if from+length <= j.damage.at || from >= j.damage.at+j.damage.lost {
			n++
		}
	}
	return n
}

// innerEvents are events full of what looks like one.
func innerEvents(rng *rand.Rand, separator string) (object []byte, starts map[int]int) {
	var b strings.Builder
	starts = map[int]int{}
	for i := range 2 + rng.IntN(6) {
		if i > 0 {
			b.WriteString(separator)
		}
		event := innerEvent(rng, 100+i)
		starts[b.Len()] = len(event)
		b.WriteString(event)
	}
	return []byte(b.String()), starts
}

func innerEvent(rng *rand.Rand, id int) string {
	members := []string{
		`"d":{"id":9,"t":1}`,
		`"l":[{"id":8,"t":2},{"id":7,"t":3}]`,
		`"n":{"id":6,"t":4,"n":[[{"id":5,"t":5}]]}`,
		`"s":"}{ \"id\":1,\"t\":2} {"`, `"{":"{"`, `"e":{}`, `"x":-1.5e3`, `"b":[true,null]`,
	}
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	members = append(members[:rng.IntN(len(members))], fmt.Sprintf(`"id":%d`, id), `"t":1700000000`)
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

func randomDamage(rng *rand.Rand, size int) oneDamage {
	d := oneDamage{at: rng.IntN(size + 1)}
	add := func() {
		for range 1 + rng.IntN(3) {
			d.added += string(`{}[]",:\1a `[rng.IntN(11)])
		}
	}
	switch rng.IntN(5) {
	case 0: // cut
		d.lost = size - d.at
	case 1: // a little lost
		d.lost = min(size-d.at, 1+rng.IntN(3))
	case 2: // much lost
		d.lost = rng.IntN(size - d.at + 1)
	case 3: // overwritten
		add()
		d.lost = min(size-d.at, len(d.added))
	case 4: // added
		add()
	}
	return d
}

// judgeDamage scans a damaged object and judges what it finds. lost is how many events beside the damage are missing.
func judgeDamage(t testing.TB, f archive.Format, fields archive.Fields, j judge) (lost int, err error) {
	t.Helper()
	lost = j.untouched()
	for _, e := range scan(t, f, bytes.NewReader(j.damage.apply(j.object)), fields, 1<<20) {
		if e.Bad != "" {
			continue
		}
		if err := j.judge(e); err != nil {
			return 0, err
		}
		if int(e.Offset+e.Length) <= j.damage.at || int(e.Offset) >= j.damage.at+len(j.damage.added) {
			lost--
		}
	}
	return lost, nil
}

func TestDamageMakesNoEventOfAPart(t *testing.T) {
	for name, fields := range map[string]archive.Fields{"told by id and time": damageFields, "told by nothing": {Time: archive.None}} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10_000) {
				rng := rand.New(rand.NewPCG(seed, 1))
				object, starts := innerEvents(rng, []string{"", "", "\n", " \r\n"}[rng.IntN(4)])
				j := judge{starts: starts, object: object, damage: randomDamage(rng, len(object))}
				lost, err := judgeDamage(t, JSON{}, fields, j)
				if err != nil || lost > 2 {
					t.Fatalf("seed %d: %v; %d events lost beside the damage %+v of\n%s\n%s", seed, err, lost, j.damage, object, j.damage.apply(object))
				}
			}
		})
	}
}

func TestDamageToALineStaysInIt(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		object, starts := innerEvents(rng, "\n")
		j := judge{starts: starts, object: object, damage: randomDamage(rng, len(object))}
		lost, err := judgeDamage(t, Lines{}, damageFields, j)
		if err != nil || lost > 2 { // two that lost the newline between them, one damaged into another
			t.Fatalf("seed %d: %v; %d events lost beside the damage %+v of\n%s", seed, err, lost, j.damage, object)
		}
	}
}

func FuzzDamage(f *testing.F) {
	f.Add(uint64(1), uint16(20), uint16(3), "}")
	f.Add(uint64(2), uint16(90), uint16(400), "")
	f.Add(uint64(3), uint16(7), uint16(0), `{"id":4,`)
	f.Fuzz(func(t *testing.T, seed uint64, at, lost uint16, added string) {
		object, starts := innerEvents(rand.New(rand.NewPCG(seed, 3)), "")
		d := oneDamage{at: int(at) % (len(object) + 1), added: added}
		d.lost = int(lost) % (len(object) - d.at + 1)
		if _, err := judgeDamage(t, JSON{}, damageFields, judge{starts: starts, object: object, damage: d}); err != nil {
			t.Fatalf("%v\n%+v of\n%s", err, d, object)
		}
	})
}
