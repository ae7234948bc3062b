package security

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// TLS says how connections are encrypted. Files are in PEM form.
type TLS struct {
	On       bool
	CAFile   string // authorities that may have signed a broker's certificate; empty: the system's
	CertFile string // of the client, with those between it and its authority
	KeyFile  string // to it, without a passphrase
}

// handshakeLimit ends dialing and handshake together before the first contact gives up (10 s), so that it can be said
// where it stopped.
const handshakeLimit = 8 * time.Second

// dial opens a connection. The name that the certificate must have is the host of address.
func (t TLS) dial(ctx context.Context, network, address string) (net.Conn, error) {
	config, err := t.config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
}

func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		text, err := readFile(optionCA, t.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, &OptionError{optionCA, fmt.Errorf("%s holds no certificate in PEM form; keytool -exportcert -rfc writes one from a Java keystore", t.CAFile)}
		}
	}
	if t.CertFile != "" {
		certificate, err := t.certificate()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{certificate}
	}
	return c, nil
}

func (t TLS) certificate() (tls.Certificate, error) {
	certificate, err := readFile(optionCert, t.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readFile(optionKey, t.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	if bytes.Contains(key, []byte("ENCRYPTED")) {
		return tls.Certificate{}, &OptionError{optionKey, errors.New(t.KeyFile + " is locked by a passphrase; openssl pkey writes it without")}
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return pair, &OptionError{optionCert, fmt.Errorf("%s with %s: %w", t.CertFile, t.KeyFile, err)}
	}
	return pair, nil
}
