package pace

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay/pace/quantity"
)

// TestScenarios plays testdata/pacer.txt.
func TestScenarios(t *testing.T) {
	text, err := os.ReadFile("testdata/pacer.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(text)), "\n\n")
	for _, block := range blocks[1:] { // the first explains the format
		name, rest, _ := strings.Cut(block, "\n")
		script, want, found := strings.Cut(rest, "\n----\n")
		if !found {
			t.Fatalf("%s: no line of dashes", name)
		}
		t.Run(name, func(t *testing.T) {
			s := parseScenario(t, script)
			synctest.Test(t, func(t *testing.T) {
				if got := s.play(t); got != want {
					t.Errorf("granted at\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

type scenario struct {
	setting Setting
	options Options
	items   []Item
	stalls  map[int]time.Duration
	acts    []act
}

type act struct {
	at time.Duration
	do func(*Pacer)
}

func (s scenario) play(t *testing.T) string {
	p, start := New(s.setting, s.options), time.Now()
	for _, a := range s.acts {
		if a.at == 0 {
			a.do(p)
			continue
		}
		time.AfterFunc(a.at, func() { a.do(p) })
	}
	var when []string
	for done := 0; done < len(s.items); {
		time.Sleep(s.stalls[done])
		n, err := p.Grant(t.Context(), s.items[done:s.nextStall(done)], time.Time{})
		if err != nil || n < 1 {
			t.Fatalf("Grant = %d, %v", n, err)
		}
		for range n {
			when = append(when, time.Since(start).String())
		}
		done += n
	}
	return strings.Join(when, " ")
}

// nextStall ends the batch where the caller is to stay away.
func (s scenario) nextStall(done int) int {
	for i := done + 1; i < len(s.items); i++ {
		if s.stalls[i] > 0 {
			return i
		}
	}
	return len(s.items)
}

func parseScenario(t *testing.T, script string) scenario {
	s := scenario{stalls: map[int]time.Duration{}}
	for line := range strings.SplitSeq(script, "\n") {
		words := strings.Fields(line)
		switch words[0] {
		case "pace":
			s.setting = must(Parse(words[1]))(t)
		case "max-gap":
			s.options.MaxGap = must(time.ParseDuration(words[1]))(t)
		case "ramp":
			s.options.Ramp = Ramp(must(time.ParseDuration(words[1]))(t))
		case "events":
			for _, w := range words[1:] {
				s.items = append(s.items, parseItems(t, w)...)
			}
		case "at":
			s.acts = append(s.acts, parseAct(t, words[1:]))
		case "after":
			s.stalls[must(strconv.Atoi(words[1]))(t)] = must(time.ParseDuration(words[3]))(t)
		default:
			t.Fatalf("line %q: unknown word", line)
		}
	}
	return s
}

func parseItems(t *testing.T, word string) []Item {
	word, times, repeated := strings.Cut(word, "*")
	at, size, sized := strings.Cut(word, ":")
	item, n := Item{Time: int64(must(time.ParseDuration(at))(t))}, 1
	if sized {
		item.Bytes = must(quantity.Parse(size, quantity.Bytes))(t)
	}
	if repeated {
		n = must(strconv.Atoi(times))(t)
	}
	var items []Item
	for range n {
		items = append(items, item)
	}
	return items
}

func parseAct(t *testing.T, words []string) act {
	a := act{at: must(time.ParseDuration(words[0]))(t)}
	switch words[1] {
	case "pause":
		a.do = (*Pacer).Pause
	case "resume":
		a.do = (*Pacer).Resume
	case "set":
		setting := must(Parse(words[2]))(t)
		a.do = func(p *Pacer) { p.Set(setting) }
	case "max-gap":
		d := must(time.ParseDuration(words[2]))(t)
		a.do = func(p *Pacer) { p.SetMaxGap(d) }
	default:
		t.Fatal(fmt.Sprint("unknown act ", words))
	}
	return a
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
