package replay

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// DecisionVersion names the rules by which events are judged. A spec frozen under another version is refused: its
// counters could not be continued.
const DecisionVersion = 1

// Spec is what a replay is, frozen at its first start. Which events come out of it depends on nothing else but the
// archive. How fast and with how much memory it runs is Options.
type Spec struct {
	Version  int    `json:"version"` // of this form: 1
	Decision int    `json:"decision_version"`
	ID       string `json:"id"`
	Owner    string `json:"owner"` // run: a foreground process; daemon
	Archive  string `json:"archive"`
	URL      string `json:"url"`
	Layout   string `json:"layout"`
	Format   string `json:"format"`
	archive.Fields

	Window   Window    `json:"window"`
	Before   Duration  `json:"slack_before"`
	After    Duration  `json:"slack_after"`
	Settle   Duration  `json:"settle"`
	AsOf     time.Time `json:"as_of"` // instant of the first start; zero: that which the sink knows, else now
	Lateness Duration  `json:"lateness"`
	Horizon  Duration  `json:"horizon"`
	Dedupe   bool      `json:"dedupe"`

	Policies

	Topic       string   `json:"topic"`
	RecordLimit int      `json:"record_limit"` // largest encoded record, bytes
	RecordTime  string   `json:"record_time"`  // now or original
	Headers     []string `json:"headers,omitempty"`
	Prefix      string   `json:"header_prefix"` // replay-
	Reason      string   `json:"reason,omitempty"`
	Targets     []string `json:"targets,omitempty"`
}

// Values of Spec.Owner.
const (
	OwnerRun    = "run"
	OwnerDaemon = "daemon"
)

// Values of Spec.RecordTime.
const (
	RecordTimeNow      = "now"
	RecordTimeOriginal = "original"
)

// Extra headers that Spec.Headers may ask for.
const (
	HeaderReason  = "reason"
	HeaderSource  = "source"
	HeaderTargets = "targets"
)

// MaxReason is the largest --reason in bytes, so that the room kept for headers holds it.
const MaxReason = 256

var (
	idForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	repairForm = regexp.MustCompile(`\.q\d+$`)
)

// ValidID reports whether a replay may be called id. Names ending in .q and a number belong to repairs.
func ValidID(id string) error {
	if !idForm.MatchString(id) {
		return fmt.Errorf("id %q: want letters, digits, dots, dashes and underscores, at most 128, beginning with a letter or digit", id)
	}
	if repairForm.MatchString(id) {
		return fmt.Errorf("id %q: names ending in .q and a number are kept for repairs of quarantined events; choose another, such as %s", id, strings.ReplaceAll(id, ".", "-"))
	}
	return nil
}

// Defaults is a spec with everything that has a default: what is left is its ID, Archive, Fields, Window and Topic. The
// zero Spec is another: no lateness, no slack, no dedupe.
func Defaults() Spec {
	return Spec{
		Window: Window{On: OnEvent}, Before: Duration(time.Hour), After: Duration(time.Hour), Settle: Duration(15 * time.Minute),
		Lateness: Duration(5 * time.Minute), Dedupe: true, RecordLimit: 960 << 10, Owner: OwnerRun,
	}
}

// Complete fills what was left to defaults and reports what is wrong. AsOf that is zero becomes now, which may be zero too.
func (s *Spec) Complete(now time.Time) error {
	s.Version, s.Decision = 1, DecisionVersion
	if s.Prefix == "" {
		s.Prefix = "replay-"
	}
	if s.RecordTime == "" {
		s.RecordTime = RecordTimeNow
	}
	if s.AsOf.IsZero() {
		s.AsOf = now.UTC()
	}
	s.Fields.ByArrival = s.Window.On == OnArrival
	s.Policies.complete()
	if s.Horizon == 0 {
		s.Horizon = s.Lateness + s.After
	}
	return s.validate()
}

func (s *Spec) validate() error {
	errs := []error{ValidID(s.ID), s.Fields.Validate(), s.Window.validate(s.Fields), s.Policies.validate(s.Fields)}
	if s.Lateness < 0 || s.Horizon < 0 || s.Before < 0 || s.After < 0 || s.Settle < 0 {
		errs = append(errs, errors.New("lateness, horizon, slack and settle cannot be negative"))
	}
	if s.RecordLimit <= archive.HeaderReserve {
		errs = append(errs, fmt.Errorf("record limit %d: must exceed the %d bytes kept for headers", s.RecordLimit, archive.HeaderReserve))
	}
	errs = append(errs, fits("reason", s.Reason), fits("targets", s.targets()))
	if s.RecordTime != RecordTimeNow && s.RecordTime != RecordTimeOriginal {
		errs = append(errs, fmt.Errorf("record time %q: now or original", s.RecordTime))
	}
	for _, h := range s.Headers {
		if h != HeaderReason && h != HeaderSource && h != HeaderTargets {
			errs = append(errs, fmt.Errorf("header %q is not known: reason, source, targets", h))
		}
	}
	return errors.Join(errs...)
}

// fits refuses a text for a header that the room for it does not hold, or that would be another one once it was frozen as JSON.
func fits(name, text string) error {
	switch {
	case len(text) > MaxReason:
		return fmt.Errorf("%s: %d bytes, at most %d", name, len(text), MaxReason)
	case !utf8.ValidString(text):
		return fmt.Errorf("%s %q: not valid UTF-8", name, text)
	}
	return nil
}

// ValidReason says what is wrong with a reason that somebody gives. It stands in lists, headers and the audit, as one line. Of
// those that are frozen already nothing but their size is asked.
func ValidReason(reason string) error {
	if err := fits("reason", reason); err != nil {
		return fmt.Errorf("%w: name the incident, and tell the rest of it there", err)
	}
	if strings.ContainsFunc(reason, unicode.IsControl) {
		return fmt.Errorf("reason %q: has control characters, such as the end of a line: say it in one line of text", reason)
	}
	return nil
}

// Hash names the spec by its content, 32 hex digits.
func (s *Spec) Hash() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data
	}
	sum := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(sum[:])
}

// Window says which events belong to a replay: those whose event time (or arrival time) lies in [From, To). Both are
// zero when all do, which only events without times ask for.
type Window struct {
	On   string    `json:"on"`
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// longest is the longest window that is listed hour by hour: what is kept of each hour would grow without a limit.
const longest = 20 * 365 * 24 * time.Hour

// Fits reports whether the hours of w can be listed in an archive of layout l.
func (w Window) Fits(l archive.Layout) error {
	if w.Bounded() && w.To.Sub(w.From) > longest && l.Hours(w.From, w.From.Add(1))[0].Bounded() {
		return fmt.Errorf("the window is longer than %d years: name the part that is to be replayed", longest/(365*24*time.Hour))
	}
	return nil
}

// Values of Window.On.
const (
	OnEvent   = "event"
	OnArrival = "arrival"
)

// Bounded reports whether the window has ends.
func (w Window) Bounded() bool { return !w.From.IsZero() || !w.To.IsZero() }

func (w Window) validate(f archive.Fields) error {
	switch {
	case w.On != OnEvent && w.On != OnArrival:
		return fmt.Errorf("window on %q: event or arrival", w.On)
	case w.On == OnArrival && f.Arrival == "":
		return errors.New("the window goes by arrival time, but no field holds it: set the archive's arrival")
	case !w.Bounded() && f.Time != archive.None:
		return errors.New("the window needs --from and --to")
	case w.Bounded() && (w.From.Before(archive.Earliest) || w.To.After(archive.Latest)):
		return fmt.Errorf("the window lies outside of what an event's time can be, from %s to %s", archive.Earliest.Format(time.DateOnly), archive.Latest.Format(time.DateOnly))
	case w.Bounded() && !w.From.Before(w.To):
		return fmt.Errorf("the window is empty: from %s to %s", w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
	}
	return nil
}

// Duration is a time.Duration written as 1h5m0s.
type Duration time.Duration

// MarshalText writes the form of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the form of time.Duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

func (d Duration) String() string { return time.Duration(d).String() }

// Std is the duration in the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }
