package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Proxy is a bad network between a client and one upstream: a TCP proxy that cuts, delays, limits and stalls. Faults add
// up until Mend. They hit open connections and those that are made later.
type Proxy struct {
	Addr string // host:port to connect to instead of the upstream

	tb       testing.TB
	upstream string
	proxy    *toxiproxy.Proxy
}

// StartProxy listens for connections to upstream (host:port) until the test ends.
func StartProxy(tb testing.TB, upstream string) *Proxy {
	tb.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	port, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	proxy := toxiproxy.NewProxy(server, tb.Name(), "127.0.0.1:"+strconv.Itoa(port), upstream)
	if err := proxy.Start(); err != nil {
		tb.Fatalf("start proxy: %v", err)
	}
	tb.Cleanup(proxy.Stop)
	return &Proxy{Addr: proxy.Listen, tb: tb, upstream: upstream, proxy: proxy}
}

// Dial leads connections to the upstream through the proxy and all others past it. As kgo.Dialer(p.Dial) it puts one
// broker of a cluster behind the proxy although that broker advertises its own address.
func (p *Proxy) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if addr == p.upstream {
		addr = p.Addr
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// Cut breaks all connections and refuses new ones until Mend.
func (p *Proxy) Cut() { p.proxy.Stop() }

// CutAfter breaks every connection, open or new, after n more bytes from the upstream.
func (p *Proxy) CutAfter(n int64) {
	p.tb.Helper()
	p.add("limit_data", map[string]int64{"bytes": n})
}

// Delay holds every piece of data from the upstream back for d.
func (p *Proxy) Delay(d time.Duration) {
	p.tb.Helper()
	p.add("latency", map[string]int64{"latency": d.Milliseconds()})
}

// Limit lets each connection carry bytesPerSecond from the upstream, in steps of 1000.
func (p *Proxy) Limit(bytesPerSecond int64) {
	p.tb.Helper()
	p.add("bandwidth", map[string]int64{"rate": max(bytesPerSecond/1000, 1)})
}

// Stall lets nothing from the upstream through any more, while connections stay open. What was on its way is lost, so
// after Mend a stalled connection is broken, not resumed.
func (p *Proxy) Stall() {
	p.tb.Helper()
	p.add("timeout", map[string]int64{"timeout": 0})
}

// Mend takes all faults away, on the same address.
func (p *Proxy) Mend() {
	p.tb.Helper()
	p.proxy.Toxics.ResetToxics(context.Background())
	if err := p.proxy.Start(); err != nil && !errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
		p.tb.Fatalf("mend proxy: %v", err)
	}
}

// add gives one kind of fault new numbers, or its first.
func (p *Proxy) add(kind string, attributes map[string]int64) {
	p.tb.Helper()
	fault, err := json.Marshal(map[string]any{"type": kind, "name": kind, "stream": "downstream", "attributes": attributes})
	if err != nil {
		p.tb.Fatal(err)
	}
	toxics := p.proxy.Toxics
	if toxics.GetToxic(kind) != nil {
		_, err = toxics.UpdateToxicJson(kind, bytes.NewReader(fault))
	} else {
		_, err = toxics.AddToxicJson(bytes.NewReader(fault))
	}
	if err != nil {
		p.tb.Fatalf("proxy fault %s: %v", kind, err)
	}
}
