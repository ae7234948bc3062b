package filter_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"replayd/archive"
	"replayd/archive/format"
	"replayd/replay/filter"
)

// judge reads one event as a worker of the merge does.
func judge(t *testing.T, expression, event string) (bool, error) {
	t.Helper()
	f, err := filter.Compile(expression)
	if err != nil {
		t.Fatal(err)
	}
	fields := archive.Fields{ID: "/id", Time: "/t", Key: "/k", Also: f.Places()}
	if err := fields.Validate(); err != nil {
		t.Fatal(err)
	}
	scanner := format.Lines{}.Scan(strings.NewReader(event), fields, archive.Limits{Event: 1 << 16}, nil)
	var e archive.Entry
	if err := scanner.Next(&e); err != nil || e.Bad != "" {
		t.Fatal(err, e.Bad, e.Detail)
	}
	return f.Judge()(&e)
}

const payment = `{"id":"p-1","t":"2026-11-01T12:34:56.789Z","k":"acc","type":"payment","amount":9007199254740993,"rate":1.5,` +
	`"data":{"account id":"a\"b","tags":["x","y"],"a/b":{"~":1},"none":null,"ok":true},"dup":1,"dup":2}`

func TestAnExpressionSeesTheEvent(t *testing.T) {
	for expression, want := range map[string]bool{
		`event.type == "payment"`:                         true,
		`event.type != "payment"`:                         false,
		`event.type in ["refund", "payment"]`:             true,
		`event.type startsWith "pay" && event.rate > 1`:   true,
		`event.amount == 9007199254740993`:                true, // not the float next to it
		`event.amount == 9007199254740992`:                false,
		`event["data"]["account id"] == "a\"b"`:           true,
		`event.data.tags[1] == "y"`:                       true,
		`event.data["a/b"]["~"] == 1`:                     true,
		`"x" in event.data.tags`:                          true,
		`event.data.none == nil && event.nothing == nil`:  true,
		`event.nothing.further == nil`:                    true,
		`event?.data?.ok`:                                 true,
		`event.dup == 2`:                                  true, // the last wins
		`(event.nothing ?? "default") == "default"`:       true,
		`"type" in event`:                                 true, // the whole event
		`any(event.data.tags, # == "y")`:                  true,
		`let field = "type"; event[field] == "payment"`:   true,
		`id == "p-1" && key == "acc"`:                     true,
		`time.Hour() == 12 && time.Minute() == 34`:        true,
		`time < date("2026-11-01T13:00:00Z")`:             true,
		`event.data.tags | filter(# == "x") | len() == 1`: true,
		`true`: true,
	} {
		t.Run(expression, func(t *testing.T) {
			if got, err := judge(t, expression, payment); err != nil || got != want {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestAnExpressionThatFailsOnAnEventSaysHow(t *testing.T) {
	for expression, says := range map[string]string{
		`event.nothing > 1`:         "",
		`event.type > 1`:            "",
		`event.type`:                "string",
		`event.data.tags[7] == "x"`: "", // nil, not a failure
	} {
		t.Run(expression, func(t *testing.T) {
			keep, err := judge(t, expression, payment)
			if strings.Contains(expression, "[7]") {
				if err != nil || keep {
					t.Errorf("%v, %v", keep, err)
				}
				return
			}
			if err == nil || keep || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, %v", keep, err)
			}
		})
	}
}

func TestMistakesAreSaidWhenTheFilterIsRead(t *testing.T) {
	for expression, says := range map[string]string{
		`event.type == `:                         "unexpected token",
		`typ == "x"`:                             "unknown name typ",
		`id + 1`:                                 "filter",
		`"text"`:                                 "bool",
		`now() > time`:                           "now",
		`keys(event)[0] == "a"`:                  "keys",
		strings.Repeat("true && ", 600) + "true": "at most 4096",
	} {
		if _, err := filter.Compile(expression); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v", expression, err)
		}
	}
}

func TestNoExpressionKeepsEverything(t *testing.T) {
	f, err := filter.Compile("")
	if err != nil || f.On() || f.Places() != nil {
		t.Fatal(err)
	}
	if keep, err := f.Judge()(&archive.Entry{}); !keep || err != nil {
		t.Error(keep, err)
	}
}

func BenchmarkFilter(b *testing.B) {
	for _, expression := range []string{`event.type == "payment" && event.data.ok`, `"type" in event`} {
		b.Run(expression, func(b *testing.B) {
			f, err := filter.Compile(expression)
			if err != nil {
				b.Fatal(err)
			}
			scanner := format.Lines{}.Scan(strings.NewReader(payment), archive.Fields{ID: "/id", Time: "/t", Also: f.Places()}, archive.Limits{Event: 1 << 16}, nil)
			var e archive.Entry
			if err := scanner.Next(&e); err != nil && err != io.EOF {
				b.Fatal(err)
			}
			judge := f.Judge()
			b.ReportAllocs()
			for b.Loop() {
				if keep, err := judge(&e); !keep || err != nil {
					b.Fatal(fmt.Sprint(keep, err))
				}
			}
		})
	}
}
