package api

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhereTheHandshakeEndsIsToldWithTheNextStep meets servers that the client does not come to terms with, and what Go says of the
// others: an alert may be lost when its sender closes the connection at once.
func TestWhereTheHandshakeEndsIsToldWithTheNextStep(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	own := filepath.Join(t.TempDir(), "ca.pem")
	store(t, own, "CERTIFICATE", s.Certificate().Raw)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	of := func(o ClientOptions) error {
		c, err := NewClient(o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Version(t.Context())
		return err
	}
	by := func(err error) error { return (&Client{base: &url.URL{Scheme: "https", Host: "d"}}).unreached(err) }
	alert := func(text string) error { return &net.OpError{Op: "remote error", Err: errors.New("tls: " + text)} }
	for _, c := range []struct {
		err  error
		says string
		next string
	}{
		{of(ClientOptions{URL: s.URL}), "not signed by an authority that is known here", "--ca"},
		{of(ClientOptions{URL: "https://localhost:" + port, CAFile: own}), "is for other names", "name that stands in the certificate"},
		{of(ClientOptions{URL: "http" + strings.TrimPrefix(s.URL, "https")}), "it speaks TLS", "Write https://"},
		{of(ClientOptions{URL: "https" + strings.TrimPrefix(plain.URL, "http")}), "it speaks no TLS", "Write http://"},
		{of(ClientOptions{URL: plain.URL}), "something else answers, with HTTP 404", ""},
		{by(fmt.Errorf("x: %w", x509.CertificateInvalidError{Cert: s.Certificate(), Reason: x509.Expired})), "not valid today", "clock"},
		{by(alert("certificate required")), "asks clients for a certificate", "--client-cert"},
		{by(alert("unknown certificate authority")), "does not believe the certificate", "client_ca_file"},
		{by(alert("internal error")), "internal error", ""},
		{by(&net.OpError{Op: "dial", Err: errors.New("certificate")}), "dial", ""},
	} {
		var u *Unreached
		if !errors.As(c.err, &u) || !strings.Contains(c.err.Error(), c.says) || !strings.Contains(u.Next, c.next) || (u.Next == "") != (c.next == "") {
			t.Errorf("told %v, want %q and %q", c.err, c.says, c.next)
		}
	}
}
