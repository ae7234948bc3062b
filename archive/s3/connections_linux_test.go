package s3_test

import (
	"context"
	"io"
	"net"
	"net/http/httptrace"
	"syscall"
	"testing"

	"replayd/archive"
)

// TestWhatIsReadLittleByLittleKeepsLittleOnItsWay asks the system for the receive buffers of connections.
func TestWhatIsReadLittleByLittleKeepsLittleOnItsWay(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": []byte("content")})
	s := d.store(t, "")
	o := first(t, s, "")
	buffer := func(open func(context.Context, archive.Object, int64) (io.ReadCloser, error)) int {
		t.Helper()
		var conn net.Conn
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { conn = c.Conn }})
		body, err := open(ctx, o, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = body.Close() }()
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		if e := raw.Control(func(fd uintptr) { size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF) }); e != nil || err != nil {
			t.Fatal(e, err)
		}
		if text, err := io.ReadAll(body); string(text) != "content" || err != nil {
			t.Errorf("read %q, %v", text, err)
		}
		return size
	}
	// 128 KiB, which the system doubles; a size that was set does not grow any more.
	if frugal := buffer(s.OpenFrugally); frugal != 256<<10 {
		t.Errorf("a connection that is to keep little has a receive buffer of %d bytes", frugal)
	}
	if plain := buffer(s.Open); plain == 256<<10 {
		t.Errorf("any connection has a receive buffer of %d bytes", plain)
	}
}
