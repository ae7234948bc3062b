package kafka

import (
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay/kafka/security"
)

// lines is a log that is written to from anywhere.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func TestALoginThatIsRefusedLaterIsToldOnceInAWhileAndTriedAgain(t *testing.T) {
	if incurable(kerr.SaslAuthenticationFailed) || hopeless(kerr.SaslAuthenticationFailed) {
		t.Error("a password that is changed meanwhile would end the replay")
	}
	s, err := security.New(t.Context(), security.Options{SASL: security.SASL{
		Mechanism: security.Plain, Username: "user", Password: security.SecretText(security.OptionPassword, "hunter2"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	to := &lines{}
	r := &refusals{logger: logger{zerolog.New(to).Level(zerolog.InfoLevel)}, security: s}
	say := func(err error) {
		for range 3 {
			r.Log(kgo.LogLevelError, "unable to initialize sasl", "broker", "0", "err", err)
		}
	}
	say(kerr.SaslAuthenticationFailed)
	if to.text.Len() > 0 {
		t.Errorf("the first contact tells by itself, and yet: %s", to.text.String())
	}
	r.listen.Store(true)
	say(kerr.NotLeaderForPartition)
	say(&kgo.ErrFirstReadEOF{})
	if to.text.Len() > 0 {
		t.Errorf("what passes by itself is told: %s", to.text.String())
	}
	say(kerr.SaslAuthenticationFailed)
	told := to.text.String()
	if strings.Count(told, "refuses user user by PLAIN") != 1 || !strings.Contains(told, security.OptionPassword) || strings.Contains(told, "hunter2") {
		t.Errorf("told: %s", told)
	}
}
