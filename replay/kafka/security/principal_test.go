package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// certified writes a certificate of this subject, which stands for itself.
func certified(t *testing.T, subject pkix.RDNSequence) TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var name pkix.Name
	name.FillFromRDNSequence(&subject)
	name.ExtraNames = name.Names // in their order
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	to := TLS{On: true, CertFile: filepath.Join(t.TempDir(), "cert"), KeyFile: filepath.Join(t.TempDir(), "key")}
	for path, block := range map[string]*pem.Block{
		to.CertFile: {Type: "CERTIFICATE", Bytes: certificate}, to.KeyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func attribute(id int, value string) pkix.RelativeDistinguishedNameSET {
	return pkix.RelativeDistinguishedNameSET{{Type: []int{2, 5, 4, id}, Value: value}}
}

func TestTheUserIsNamedAsTheBrokersKnowIt(t *testing.T) {
	const country, organization, commonName = 6, 10, 3
	own := certified(t, pkix.RDNSequence{attribute(country, "BR"), attribute(organization, "Example, Inc"), attribute(commonName, "replayd")})
	for _, c := range []struct {
		options Options
		name    string
		noted   bool
	}{
		{Options{SASL: SASL{Mechanism: Plain, Username: "u"}}, "User:u", false},
		{Options{TLS: own, SASL: SASL{Mechanism: SCRAM512, Username: "u"}}, "User:u", false},
		{Options{TLS: own}, `User:CN=replayd,O=Example\, Inc,C=BR`, true}, // as Java writes it
		{Options{TLS: TLS{On: true}}, "User:ANONYMOUS", true},
		{Options{}, "User:ANONYMOUS", true},
		{Options{TLS: TLS{On: true, CertFile: "gone"}}, "User:NAME", true},
		{Options{SASL: SASL{Mechanism: OAuthBearer}}, "User:NAME", true},
		{Options{SASL: SASL{Mechanism: AWSMSKIAM}}, "", false},
	} {
		p := (&Security{options: c.options}).Principal()
		if p.Name != c.name || (p.Note != "") != c.noted || p.IAM != (c.options.SASL.Mechanism == AWSMSKIAM) {
			t.Errorf("%+v: %+v, want %s", c.options, p, c.name)
		}
	}
	if p := (*Security)(nil).Principal(); p.Name != "User:ANONYMOUS" {
		t.Errorf("without options: %+v", p)
	}
}
