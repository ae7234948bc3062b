package harness

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates for tests.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// validity of a certificate is longer than any test and shorter than anything one would want to find on a disk later.
const validity = 24 * time.Hour

// NewAuthority returns an authority that nobody trusts yet.
func NewAuthority(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	signed, err := x509.ParseCertificate(der)
	return &Authority{signed, key}, err
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(validity), KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte { return encodePEM("CERTIFICATE", a.certificate.Raw) }

// Files returns the files of a new certificate and its key, which end with the test. With server names or addresses it
// is a server's, else a client's.
func (a *Authority) Files(tb testing.TB, name string, servers ...string) (certFile, keyFile string) {
	tb.Helper()
	key, certificate, err := a.issue(name, servers...)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, text := range map[string][]byte{certFile: certificate, keyFile: key} {
		if err := writePEM(path, text); err != nil {
			tb.Fatal(err)
		}
	}
	return certFile, keyFile
}

// issue returns a new key and its certificate, followed by the authority's.
func (a *Authority) issue(name string, servers ...string) (key, chain []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := certificate(name)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	for _, server := range servers {
		if ip := net.ParseIP(server); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, server)
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private) // the form that Kafka reads
	if err != nil {
		return nil, nil, err
	}
	return encodePEM("PRIVATE KEY", der), bytes.Join([][]byte{encodePEM("CERTIFICATE", signed), a.PEM()}, nil), nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func writePEM(path string, text []byte) error { return os.WriteFile(path, text, 0o600) }
