package kafka

import (
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
)

// logger lets the client write to our log. All it says is detail: what matters comes back as an error, or as what holds
// the replay.
type logger struct{ zerolog.Logger }

var _ kgo.Logger = logger{}

// Level follows the log's.
func (l logger) Level() kgo.LogLevel {
	switch level := l.GetLevel(); {
	case level <= zerolog.TraceLevel:
		return kgo.LogLevelDebug
	case level <= zerolog.DebugLevel:
		return kgo.LogLevelInfo
	case level <= zerolog.WarnLevel:
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelError
}

// Log writes one message with its pairs of key and value.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	event := l.Debug()
	if level == kgo.LogLevelDebug {
		event = l.Trace()
	}
	event.Fields(keyvals).Msg("kafka: " + msg)
}
