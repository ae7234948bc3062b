package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"replayd/integration/ledger"
)

// fakeProvider is available when its reason is empty.
type fakeProvider struct{ id, reason string }

func (p fakeProvider) name() string                    { return p.id }
func (p fakeProvider) unavailable(KafkaOptions) string { return p.reason }
func (p fakeProvider) start(testing.TB, KafkaOptions) (*Kafka, error) {
	return nil, errors.New("not to be started")
}

func TestFirstAvailableProviderServes(t *testing.T) {
	off := []provider{fakeProvider{"env", "not set"}, fakeProvider{"process", "no Java"}, fakeProvider{"docker", "no engine"}}
	on := []provider{fakeProvider{"env", "not set"}, fakeProvider{"process", ""}, fakeProvider{"docker", ""}}
	tests := map[string]struct {
		all                  []provider
		wanted               string
		chosen, name, reason string
	}{
		"in order":                {on, "", "process", "", ""},
		"forced":                  {on, "docker", "docker", "", ""},
		"forced, not there":       {on, "env", "", "env", "not set"},
		"forced, unknown":         {on, "podman", "", "kafka", `no provider is called "podman"`},
		"none: every reason told": {off, "", "", "kafka", "env: not set; process: no Java; docker: no engine"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, name, reason := firstAvailable(test.all, test.wanted, KafkaOptions{})
			if chosen := nameOf(p); chosen != test.chosen || name != test.name || reason != test.reason {
				t.Errorf("chose %q, left out %q because %q", chosen, name, reason)
			}
		})
	}
}

func nameOf(p provider) string {
	if p == nil {
		return ""
	}
	return p.name()
}

func TestForeignBrokersAreNotTakenForWhatTheyCannotServe(t *testing.T) {
	tests := map[string]struct {
		env     string
		options KafkaOptions
		serves  bool
	}{
		"not set":          {"", KafkaOptions{Brokers: 1}, false},
		"one":              {"a:9092", KafkaOptions{Brokers: 1}, true},
		"too few":          {"a:9092", KafkaOptions{Brokers: 3}, false},
		"enough":           {"a:9092, b:9092,c:9092", KafkaOptions{Brokers: 3}, true},
		"to be killed":     {"a:9092", KafkaOptions{Brokers: 1, Control: true}, false},
		"to be changed":    {"a:9092", KafkaOptions{Brokers: 1, Settings: map[string]string{"x": "y"}}, false},
		"to be downgraded": {"a:9092", KafkaOptions{Brokers: 1, Features: map[string]int16{"x": 0}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("REPLAYD_TEST_KAFKA", test.env)
			if reason := (envProvider{}).unavailable(test.options); (reason == "") != test.serves {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

// spy records how a test was ended; like testing's own it ends the calling goroutine, here by panic.
type spy struct {
	testing.TB
	ended string
}

type ended struct{}

func (s *spy) Helper()               {}
func (s *spy) Skipf(string, ...any)  { s.ended = "skipped"; panic(ended{}) }
func (s *spy) Fatalf(string, ...any) { s.ended = "failed"; panic(ended{}) }

func TestWhatIsMissingIsSkippedAndFailsWhenRequired(t *testing.T) {
	for require, want := range map[string]string{"": "skipped", "kafka": "skipped", "kafka,docker": "failed"} {
		t.Run(require, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger")
			t.Setenv(ledger.FileVariable, path)
			t.Setenv(ledger.RequireVariable, require)
			if got := endOf(func(tb testing.TB) { leaveOut(tb, "docker", "no engine answers") }); got != want {
				t.Errorf("the test was %s, want %s", got, want)
			}
			if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), "no engine answers") {
				t.Errorf("ledger %q, %v", data, err)
			}
		})
	}
}

func endOf(do func(testing.TB)) string {
	s := &spy{}
	func() {
		defer func() {
			if r := recover(); r != nil && r != (ended{}) {
				panic(r)
			}
		}()
		do(s)
	}()
	return s.ended
}
