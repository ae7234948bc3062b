package archivetest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestHandWrittenArchives(t *testing.T) {
	for _, c := range handWritten {
		t.Run(c.name, func(t *testing.T) {
			o := handArchive(t, c.plan, c.objects).Oracle()
			if got := verdicts(o); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			checkCounts(t, o.Receipt, c.counts)
		})
	}
}

// clock is a time of the day all hand-written archives are of.
func clock(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2025-11-01 "+text)
	must(err)
	return t
}

func handArchive(t *testing.T, p Plan, objects []string) *Archive {
	t.Helper()
	setDefault(&p.From, clock("01:00:00"))
	setDefault(&p.To, clock("03:00:00"))
	setDefault(&p.Horizon, 20*time.Minute)
	a := &Archive{Plan: p.withDefaults()}
	for _, text := range objects {
		a.Objects = append(a.Objects, handObject(t, text))
	}
	return a
}

func handObject(t *testing.T, text string) *Object {
	t.Helper()
	head, events, ok := strings.Cut(text, ": ")
	fields := strings.Fields(head)
	if !ok || len(fields) != 3 {
		t.Fatalf("object %q: want <key> <hour> <name's time>: <events>", text)
	}
	o := &Object{Key: fields[0], style: style{codec: CodecNone}}
	if fields[1] != "-" {
		o.Hour = clock(fields[1] + ":00:00")
	}
	if fields[2] != "-" {
		o.Named = clock(fields[2])
	}
	for e := range strings.FieldsSeq(events) {
		o.parts = append(o.parts, handParts(t, e)...)
	}
	return o
}

var handPart = regexp.MustCompile(`^(\d+)(?:\.\.(\d+))?([bc]?)([-#?!]?)@([^>]+)(?:>(.+))?$`)

func handParts(t *testing.T, text string) []part {
	t.Helper()
	m := handPart.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("event %q is not understood", text)
	}
	first, _ := strconv.Atoi(m[1])
	last, err := strconv.Atoi(m[2])
	if err != nil {
		last = first
	}
	p := part{time: clock(m[5]).UnixNano(), arrival: clock(m[5]).UnixNano()}
	p.variant = map[string]variant{"": bodyOriginal, "b": bodyAmount, "c": bodyInner}[m[3]]
	if m[6] != "" {
		p.arrival = clock(m[6]).UnixNano()
	}
	switch m[4] {
	case "-":
		p.id = idMissing
	case "#":
		p.id = idNumber
	case "?":
		p.when = timeWord
	case "!":
		p.kind = partCut
	}
	var parts []part
	for n := first; n <= last; n++ {
		p.number = uint32(n)
		parts = append(parts, p)
	}
	return parts
}

// verdicts writes what the oracle says as handWritten does.
func verdicts(o *Oracle) string {
	var list []string
	for i := range o.sightings {
		s := &o.sightings[i]
		if s.part.number >= 100 {
			continue
		}
		text := fmt.Sprintf("%d@%s", s.part.number, time.Unix(0, s.merge).UTC().Format("15:04:05.999999999"))
		text = map[Fate]string{FateDuplicate: "=", FateQuarantined: "!"}[s.fate] + text
		if s.fate == FateProduced && s.flags != 0 {
			text += "/" + s.flags.String()
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

// checkCounts compares "name number" pairs; the names are those of the receipt and of its reasons.
func checkCounts(t *testing.T, r Receipt, want string) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var counts map[string]any
	if err := json.Unmarshal(text, &counts); err != nil {
		t.Fatal(err)
	}
	for reason, n := range r.QuarantinedBy {
		counts[reason] = float64(n)
	}
	words := strings.Fields(want)
	for i := 0; i < len(words); i += 2 {
		if got := fmt.Sprint(counts[words[i]]); got != words[i+1] {
			t.Errorf("%s is %s, want %s", words[i], got, words[i+1])
		}
	}
}
