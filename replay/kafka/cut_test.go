package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// cutter dials connections that die around the requests that matter: before the broker has them, or after, so that the
// answer is lost.
type cutter struct {
	mu     sync.Mutex
	rng    *rand.Rand
	oneIn  int
	before int
	after  int
}

func (c *cutter) dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: conn, cutter: c}, nil
}

type cutConn struct {
	net.Conn
	cutter *cutter
}

// Write sees whole requests: the client writes each at once, its API key behind its length.
func (c *cutConn) Write(b []byte) (int, error) {
	key := int16(-1)
	if len(b) >= 6 {
		key = int16(binary.BigEndian.Uint16(b[4:]))
	}
	before, after := c.cutter.roll(key)
	if before {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(b)
	if after {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.CloseRead() // the broker takes the request; its answer is never read
		}
	}
	return n, err
}

func (c *cutter) roll(key int16) (before, after bool) {
	const produce, initProducerID = 0, 22
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.oneIn == 0 || key != produce && key != initProducerID && key != endTxn || c.rng.IntN(c.oneIn) != 0 {
		return false, false
	}
	if c.rng.IntN(2) == 0 {
		c.before++
		return true, false
	}
	c.after++
	return false, true
}

func TestLostRequestsAndAnswersLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			cut := &cutter{rng: rand.New(rand.NewPCG(seed, 5)), oneIn: 6}
			f := fake(t)
			c, err := Connect(t.Context(), Options{
				Brokers: f.ListenAddrs(), GiveUp: time.Minute, Log: zerolog.Nop(), Client: []kgo.Opt{kgo.Dialer(cut.dial)},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s, _ := open(t, c, testSpec("r"))
			const commits, size = 40, 25
			for i := range int64(commits) {
				state := replay.Running
				if i == commits-1 {
					state = replay.Completed
				}
				commit(t, s, chunk(size, i*size+1, state))
			}
			seqs(t, consumed(t, f, "replay"), commits*size)
			if cut.before == 0 || cut.after == 0 {
				t.Errorf("%d requests and %d answers were lost: this test proves nothing", cut.before, cut.after)
			}
			if c.Unsure() == 0 {
				t.Error("no transaction is told to have ended other than well")
			}
			t.Logf("%d requests and %d answers lost", cut.before, cut.after)
		})
	}
}
