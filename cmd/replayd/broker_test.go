package main

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// franz-go v1.22.2 can abort a transaction and report that it was committed: when the first records to a topic are
// acknowledged before the client has stored the topic's partitions (storePartitionsUpdate stores them when it returns),
// EndTransaction finds that nothing was produced. Once in some hundred starts on a busy machine that hits the barrier,
// the first transaction of a session. Here the broker makes it happen each time.
func TestABarrierThatWasAbortedWhileItsCommitSeemedToSucceedIsWrittenAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	var ends atomic.Int64
	b.broker.ControlKey(kmsg.EndTxn.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if ends.Add(1) == 1 {
			req.(*kmsg.EndTxnRequest).Commit = false
		}
		return nil, nil, false
	})
	p := b.startRun(b.what("--topic", "x", "--create-topic")...)
	r := p.end(15 * time.Second).want(exitOK).receipt()
	if r.Produced != 1 || len(b.values("x")) != 1 {
		t.Errorf("produced %d, in the topic %d", r.Produced, len(b.values("x")))
	}
	if ends.Load() < 3 {
		t.Errorf("%d transactions: the broker did not abort the first", ends.Load())
	}
}
