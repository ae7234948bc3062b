package kafka

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"replayd/replay/kafka/security"
)

// exhausted is err in the words of who must cure it, when no connection could be opened because this side has no file left
// for one; nil for any other. It would look like a broker that is away, which passes by itself.
func exhausted(err error) *security.Refused {
	switch {
	case spent(err, syscall.EMFILE):
		return &security.Refused{
			What: "this process has no open file left for a connection to a broker", Err: err,
			Next: "Raise its limit and start it again: ulimit -n 4096. Fewer objects are open at a time with a smaller limits.open_objects.",
		}
	case spent(err, syscall.ENFILE):
		return &security.Refused{
			What: "this machine has no open file left for a connection to a broker", Err: err,
			Next: "Raise the system's limit (sysctl fs.file-max), or end what holds so many: lsof tells.",
		}
	}
	return nil
}

// spent reports whether err is number. Looking a name up takes a file too, and its error keeps only the words.
func spent(err error, number syscall.Errno) bool {
	var lookup *net.DNSError
	return errors.Is(err, number) || errors.As(err, &lookup) && strings.Contains(lookup.Err, number.Error())
}
