package api

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// frameOf is a frame of HTTP/2 (RFC 9113, 4.1).
func frameOf(kind, flags byte, stream uint32, payload ...byte) []byte {
	head := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

// asking are the frames of a client that asks for the document n times, and lets so many bytes of each come.
func asking(n int, window uint32) []byte {
	const headers, settings, initialWindow, endOfStreamAndHeaders = 1, 4, 4, 5
	text := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	text = append(text, frameOf(settings, 0, 0, binary.BigEndian.AppendUint32([]byte{0, initialWindow}, window)...)...)
	header := []byte{0x82, 0x87, 0x04, byte(len(routeJSON.path))} // GET, https, a path (RFC 7541, appendix A)
	header = append(append(header, routeJSON.path...), 0x01, 9)
	header = append(header, "127.0.0.1"...)
	for i := range n {
		text = append(text, frameOf(headers, endOfStreamAndHeaders, uint32(2*i+1), header...)...)
	}
	return text
}

// TestWhoLetsNothingComeByHTTP2HindersNobody: by windows of nothing, or by reading nothing of the connection.
func TestWhoLetsNothingComeByHTTP2HindersNobody(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.sign(t, t.TempDir(), "daemon", 2)
	client, err := NewClient(ClientOptions{URL: "https://127.0.0.1:8484", CAFile: a.file})
	if err != nil {
		t.Fatal(err)
	}
	for name, window := range map[string]uint32{"windows of nothing": 0, "reading nothing": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s, in, ended := overTLS(ctx, t, client, TLSOptions{CertFile: cert, KeyFile: key})
				for range 2 {
					conn := tls.Client(in.dial(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
					t.Cleanup(func() { _ = conn.Close() })
					if window == 0 {
						go func() { _, _ = io.Copy(io.Discard, conn) }()
					}
					text := asking(200, window)
					go func() { _, _ = conn.Write(text) }() // a pipe writes when it is read
				}
				synctest.Wait()
				if s.documents.now() == 0 { // how many depends on how soon the client is told to ask no more by this connection
					t.Error("no document is being sent")
				}
				began := time.Now()
				if answer, err := client.send(ctx, call{route: routeHealth}); err != nil || answer.StatusCode != http.StatusOK || s.requests.now() > 0 {
					t.Errorf("%v, %v, %d requests", answer, err, s.requests.now())
				} else {
					answer.Body.Close()
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("after %s", took)
				}
				time.Sleep(2 * streamWrite)
				if n := s.documents.now(); n != 0 {
					t.Errorf("%d documents are still being sent", n)
				}
				cancel()
				client.Close()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
