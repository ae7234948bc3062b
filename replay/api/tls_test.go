package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	a.key = curveKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	store(t, a.file, "CERTIFICATE", der)
	return a
}

func curveKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func store(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sign writes a certificate and its key for loopback, with this common name.
func (a *authority) sign(t *testing.T, folder, name string, serial int64) (cert, key string) {
	t.Helper()
	private := curveKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	store(t, cert, "CERTIFICATE", der)
	store(t, key, "PRIVATE KEY", pkcs8)
	return cert, key
}

func TestACertificateOfAClientIsALogin(t *testing.T) {
	a, folder := newAuthority(t), t.TempDir()
	cert, key := a.sign(t, folder, "daemon", 2)
	auth, err := NewAuthenticator(AuthOptions{Certificates: []Certificate{{Name: "deploy", Role: Operator, Archives: Names{"*"}, Topics: Names{"replay.*"}}}}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen("127.0.0.1:0", &TLSOptions{CertFile: cert, KeyFile: key, ClientCAFile: a.file}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := auth.principal(r)
		if err != nil {
			w.WriteHeader(code(err))
		}
		_, _ = w.Write([]byte(by.Name + " " + string(by.Role) + " " + r.Proto))
	})}}
	s.Start()
	defer s.Close()
	address := "https://" + l.Addr().String()
	for _, c := range []struct {
		name, certificate string
		by                *authority
		status            int
	}{
		{"known", "deploy", a, 200},
		{"unknown", "somebody", a, 401},
		{"none", "", nil, 0},
		{"of another authority", "deploy", newAuthority(t), 0},
	} {
		o := ClientOptions{URL: address, CAFile: a.file}
		if c.by != nil {
			o.CertFile, o.KeyFile = c.by.sign(t, t.TempDir(), c.certificate, 3)
		}
		client, err := NewClient(o)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.http.Get(address)
		client.Close()
		if c.status == 0 {
			if err == nil {
				t.Errorf("%s: let in with %d", c.name, answer.StatusCode)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		defer answer.Body.Close()
		var text bytes.Buffer
		_, _ = text.ReadFrom(answer.Body)
		if answer.StatusCode != c.status || c.status == 200 && text.String() != "deploy operator HTTP/2.0" {
			t.Errorf("%s: %d %q", c.name, answer.StatusCode, &text)
		}
	}
}

func TestOldTLSIsNotSpoken(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.sign(t, t.TempDir(), "daemon", 2)
	l, err := Listen("127.0.0.1:0", &TLSOptions{CertFile: cert, KeyFile: key}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	if err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestACertificateThatChangesIsTakenForNewConnections(t *testing.T) {
	a, folder := newAuthority(t), t.TempDir()
	cert, key := a.sign(t, folder, "daemon", 2)
	synctest.Test(t, func(t *testing.T) {
		config, err := TLSOptions{CertFile: cert, KeyFile: key}.config(zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		serial := func() int64 {
			c, err := config.GetConfigForClient(nil)
			if err != nil {
				t.Fatal(err)
			}
			return c.Certificates[0].Leaf.SerialNumber.Int64()
		}
		if n := serial(); n != 2 {
			t.Errorf("serial %d", n)
		}
		before, _ := config.GetConfigForClient(nil)
		time.Sleep(2 * time.Second)
		if now, _ := config.GetConfigForClient(nil); now != before { // or no session would be resumed
			t.Error("files that have not changed are taken anew")
		}
		a.sign(t, folder, "daemon", 3)
		time.Sleep(2 * time.Second)
		if n := serial(); n != 3 {
			t.Errorf("changed: serial %d", n)
		}
		if err := os.WriteFile(key, []byte("half a ke"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if n := serial(); n != 3 {
			t.Errorf("half written: serial %d", n)
		}
	})
}

func TestFilesOfTLSThatCannotBeUsedAreToldAtTheStart(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.sign(t, t.TempDir(), "daemon", 2)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []TLSOptions{
		{CertFile: "/nowhere", KeyFile: key},
		{CertFile: cert, KeyFile: empty},
		{CertFile: cert, KeyFile: key, ClientCAFile: empty},
		{CertFile: t.TempDir(), KeyFile: key},
	} {
		if l, err := Listen("127.0.0.1:0", &o, zerolog.Nop()); err == nil {
			l.Close()
			t.Errorf("%+v is taken", o)
		} else if !strings.Contains(err.Error(), "server.tls") {
			t.Error(err)
		}
	}
}
