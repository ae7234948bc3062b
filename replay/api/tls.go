package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
)

// TLSOptions name the files of the server, in PEM form. They are read again when they change, for new connections.
type TLSOptions struct {
	CertFile     string // with those between it and its authority
	KeyFile      string // to it, without a passphrase
	ClientCAFile string // authorities of clients, which then must show a certificate; empty: none is asked for
}

// Check reads the files and says what is wrong with them. Nil options name none.
func (o *TLSOptions) Check() error {
	if o == nil {
		return nil
	}
	_, err := o.config(zerolog.Nop())
	return err
}

// config takes that of the newest files for each connection.
func (o TLSOptions) config(log zerolog.Logger) (*tls.Config, error) {
	paths := []string{o.CertFile, o.KeyFile}
	if o.ClientCAFile != "" {
		paths = append(paths, o.ClientCAFile)
	}
	newest, err := keep(log, o.read, paths...)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return newest.get(), nil },
	}, nil
}

func (o TLSOptions) read(texts [][]byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", o.CertFile, o.KeyFile, err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if o.ClientCAFile != "" {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(texts[2]) {
			return nil, errors.New(o.ClientCAFile + " holds no certificate in PEM form")
		}
	}
	return c, nil
}
