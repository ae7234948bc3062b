package filter

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/expr-lang/expr"

	"replayd/archive"
)

// instant is a time as expressions have it. It is not time.Time, whose methods an expression could all call: Local reads the
// zone of the machine, and a replay that is continued on another one would produce other events.
type instant struct{ t time.Time }

// What an expression may ask of a time; docs/semantics.md names them.

func (i instant) Year() int         { return i.t.Year() }
func (i instant) Month() int        { return int(i.t.Month()) }
func (i instant) Day() int          { return i.t.Day() }
func (i instant) YearDay() int      { return i.t.YearDay() }
func (i instant) Weekday() int      { return int(i.t.Weekday()) } // 0 is Sunday
func (i instant) Hour() int         { return i.t.Hour() }
func (i instant) Minute() int       { return i.t.Minute() }
func (i instant) Second() int       { return i.t.Second() }
func (i instant) Nanosecond() int   { return i.t.Nanosecond() }
func (i instant) Unix() int         { return int(i.t.Unix()) }
func (i instant) UnixMilli() int    { return int(i.t.UnixMilli()) }
func (i instant) UnixNano() int     { return int(i.t.UnixNano()) }
func (i instant) UTC() instant      { return instant{i.t.UTC()} }
func (i instant) In(z zone) instant { return instant{i.t.In(z.of())} }

func (i instant) Before(other instant) bool       { return i.t.Before(other.t) }
func (i instant) After(other instant) bool        { return i.t.After(other.t) }
func (i instant) Equal(other instant) bool        { return i.t.Equal(other.t) }
func (i instant) Sub(other instant) time.Duration { return i.t.Sub(other.t) }
func (i instant) Add(d time.Duration) instant     { return instant{i.t.Add(d)} }
func (i instant) Format(layout string) string     { return i.t.Format(layout) }
func (i instant) String() string                  { return i.t.Format(time.RFC3339Nano) }

// zone is what timezone() gives. The zero value is UTC.
type zone struct{ place *time.Location }

func (z zone) of() *time.Location {
	if z.place == nil {
		return time.UTC
	}
	return z.place
}

// dateLayouts are those of date() without a layout.
var dateLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// date reads a text: date(text), date(text, layout) or date(text, layout, zone). What does not say its zone is UTC.
func date(text string, more ...string) (instant, error) {
	layouts, place := dateLayouts, time.UTC
	if len(more) > 0 {
		layouts = more[:1]
		if namesZone(layouts[0]) { // the letters mean one offset here and another there
			return instant{}, fmt.Errorf("date: layout %q has a zone by its letters: use an offset, -0700", layouts[0])
		}
	}
	if len(more) > 1 {
		var err error
		if place, err = archive.Zone(more[1]); err != nil {
			return instant{}, fmt.Errorf("date: %w", err)
		}
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, place); err == nil {
			return instant{t}, nil
		}
	}
	return instant{}, fmt.Errorf("date: %q has none of the forms %q", text, layouts)
}

// namesZone reports whether a layout holds a zone as its abbreviation: it writes that of a time then.
func namesZone(layout string) bool {
	in := func(name string) string { return time.Unix(0, 0).In(time.FixedZone(name, 3600)).Format(layout) }
	return in("AAA") != in("BBB")
}

// dates are the functions and operators of times. They stand in for those of the library, which know time.Time.
func dates() []expr.Option {
	return slices.Concat(
		[]expr.Option{
			expr.DisableBuiltin("date"), expr.DisableBuiltin("timezone"),
			expr.Function("date", callDate, new(func(string) instant), new(func(string, string) instant), new(func(string, string, string) instant)),
			expr.Function("timezone", callZone, new(func(string) zone)),
		},
		operator("<", "times <", func(a, b instant) bool { return a.t.Before(b.t) }),
		operator(">", "times >", func(a, b instant) bool { return a.t.After(b.t) }),
		operator("<=", "times <=", func(a, b instant) bool { return !a.t.After(b.t) }),
		operator(">=", "times >=", func(a, b instant) bool { return !a.t.Before(b.t) }),
		operator("==", "times ==", func(a, b instant) bool { return a.t.Equal(b.t) }),
		operator("!=", "times !=", func(a, b instant) bool { return !a.t.Equal(b.t) }),
		operator("-", "times -", func(a, b instant) time.Duration { return a.t.Sub(b.t) }),
		operator("-", "time - duration", func(a instant, d time.Duration) instant { return instant{a.t.Add(-d)} }),
		operator("+", "times +", func(a instant, d time.Duration) instant { return instant{a.t.Add(d)} }),
	)
}

// operator makes f the meaning of an operator between an A and a B. No expression can call it by its name, which has spaces.
func operator[A, B, R any](sign, name string, f func(A, B) R) []expr.Option {
	function := expr.Function(name, func(args ...any) (any, error) {
		if len(args) == 2 {
			a, isA := args[0].(A)
			b, isB := args[1].(B)
			if isA && isB {
				return f(a, b), nil
			}
		}
		return nil, fmt.Errorf("%s between %T", sign, args)
	}, new(func(A, B) R))
	return []expr.Option{function, expr.Operator(sign, name)}
}

func callDate(args ...any) (any, error) {
	texts := make([]string, len(args))
	for i, a := range args {
		text, ok := a.(string)
		if !ok {
			return nil, fmt.Errorf("date takes texts, not %T", a)
		}
		texts[i] = text
	}
	if len(texts) == 0 {
		return nil, errors.New("date takes a text")
	}
	return date(texts[0], texts[1:]...)
}

func callZone(args ...any) (any, error) {
	if len(args) != 1 {
		return nil, errors.New("timezone takes one name")
	}
	name, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("timezone takes a name, not %T", args[0])
	}
	place, err := archive.Zone(name)
	return zone{place}, err
}
