package kafka

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
	"replayd/replay/kafka/security"
)

// noFile is what dialing returns in a process that may open no more files.
func noFile(number syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", number)}
}

func TestAProcessWithoutFilesIsNoBrokerThatIsAway(t *testing.T) {
	t.Parallel()
	for err, says := range map[error]string{
		noFile(syscall.EMFILE): "ulimit -n",
		noFile(syscall.ENFILE): "fs.file-max",
		&net.OpError{Op: "dial", Err: &net.DNSError{Err: "dial udp: socket: " + syscall.EMFILE.Error(), Name: "kafka"}}: "ulimit -n",
	} {
		var dials atomic.Int64 // several brokers are asked at once
		_, told := Connect(t.Context(), Options{Brokers: []string{"up:1", "down:1"}, Log: zerolog.Nop(), Client: []kgo.Opt{
			kgo.Dialer(func(_ context.Context, network, address string) (net.Conn, error) {
				if dials.Add(1); address == "down:1" {
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				}
				return nil, err
			}),
		}})
		var refused *security.Refused
		if !errors.As(told, &refused) || refused.Guess || !strings.Contains(told.Error(), says) || strings.Contains(told.Error(), "--wait-broker") {
			t.Errorf("%v: %v", err, told)
		}
		if dials.Load() == 0 {
			t.Error("nothing was dialed")
		}
	}
}

// TestFilesThatRunOutInTheMiddleAreTold takes them away when the next session of a client dials.
func TestFilesThatRunOutInTheMiddleAreTold(t *testing.T) {
	t.Parallel()
	f := fake(t)
	var out atomic.Bool
	to := &lines{}
	c, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), GiveUp: time.Second, Log: zerolog.New(to), Client: []kgo.Opt{
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			if out.Load() {
				return nil, noFile(syscall.EMFILE)
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(10, 1, replay.Running))
	out.Store(true)
	f.ControlKey(0, func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true })
	err = s.Commit(t.Context(), chunk(10, 11, replay.Running))
	if err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("it gives up: %v", err)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	if told := to.text.String(); strings.Count(told, "no open file left") != 1 || !strings.Contains(told, "trying again") {
		t.Errorf("the log says\n%s", told)
	}
}
