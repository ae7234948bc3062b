package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// plaintext is what net/http answers to a request without TLS where it speaks TLS.
const plaintext = "HTTP request to an HTTPS server"

var errPlaintext = errors.New("it speaks TLS, and the request came without")

// unreached says that no daemon answered because of err, and what to do where err tells.
func (c *Client) unreached(err error) *Unreached {
	what, next := handshake(err)
	if what != "" {
		err = fmt.Errorf("%s (%w)", what, err)
	}
	return &Unreached{Address: c.base.String(), Err: err, Next: next}
}

// handshake is what is wrong when client and daemon do not come to terms about TLS, and what to do; empty: it is something else.
// That two sides do not both speak it says enough by itself.
func handshake(err error) (what, next string) {
	var (
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		other   *tls.CertificateVerificationError
		op      *net.OpError
	)
	switch {
	case errors.Is(err, errPlaintext):
		return "", "Write https:// before the address."
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it speaks no TLS", "Write http:// before the address, or set server.tls at the daemon."
	case errors.As(err, &name):
		return "its certificate is for other names", "Reach it by a name that stands in the certificate."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is not valid today", "Have it renewed, and check this machine's clock."
	case errors.As(err, &other):
		return "its certificate is not signed by an authority that is known here", "Name the file of its authority: --ca."
	case !errors.As(err, &op) || op.Op != "remote error": // an alert of TLS, whose type is not exported
		return "", ""
	case strings.Contains(op.Err.Error(), "certificate required"):
		return "it asks clients for a certificate that one of its authorities has signed", "Show one: --client-cert and --client-key."
	case strings.Contains(op.Err.Error(), "certificate"):
		return "it does not believe the certificate that is shown", "Show one that is signed by an authority of its server.tls.client_ca_file, and has not expired."
	}
	return "", ""
}
