package harness_test

import (
	"io"
	"net"
	"os/exec"
	"testing"
	"time"

	"replayd/integration/harness"
)

func TestCutBreaksOpenConnectionsAndRefusesNewOnes(t *testing.T) {
	proxy := harness.StartProxy(t, echoServer(t))
	open := dial(t, proxy.Addr)
	echo(t, open)

	proxy.Cut()
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("an open connection survived the cut")
	}
	if _, err := net.Dial("tcp", proxy.Addr); err == nil {
		t.Error("a new connection was accepted during the cut")
	}
	proxy.Mend()
	echo(t, dial(t, proxy.Addr))
}

func TestDelayHoldsAnswersBack(t *testing.T) {
	const delay = 300 * time.Millisecond
	proxy := harness.StartProxy(t, echoServer(t))
	proxy.Delay(delay)
	if took := echo(t, dial(t, proxy.Addr)); took < delay {
		t.Errorf("answered after %s", took)
	}
	proxy.Delay(2 * delay)
	if took := echo(t, dial(t, proxy.Addr)); took < 2*delay {
		t.Errorf("after the change answered after %s", took)
	}
}

func TestLimitSlowsAnswersDown(t *testing.T) {
	proxy := harness.StartProxy(t, echoServer(t))
	proxy.Limit(100_000)
	conn := dial(t, proxy.Addr)
	begin := time.Now()
	go func() { _, _ = conn.Write(make([]byte, 50_000)) }()
	if _, err := io.ReadFull(conn, make([]byte, 50_000)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 400*time.Millisecond {
		t.Errorf("50 kB at 100 kB/s took %s", took)
	}
}

func TestStalledConnectionStaysOpenWithoutAnswer(t *testing.T) {
	proxy := harness.StartProxy(t, echoServer(t))
	conn := dial(t, proxy.Addr)
	echo(t, conn)
	proxy.Stall()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !isTimeout(err) {
		t.Errorf("want silence, got %v", err)
	}
}

func TestDialLeadsOnlyTheUpstreamThroughTheProxy(t *testing.T) {
	behind, beside := echoServer(t), echoServer(t)
	proxy := harness.StartProxy(t, behind)
	proxy.Cut()
	if _, err := proxy.Dial(t.Context(), "tcp", behind); err == nil {
		t.Error("the upstream was reached past the cut proxy")
	}
	conn, err := proxy.Dial(t.Context(), "tcp", beside)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// echoServer sends back what it reads until the test ends.
func echoServer(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// echo sends a byte and returns how long it took to come back.
func echo(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	begin := time.Now()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}
