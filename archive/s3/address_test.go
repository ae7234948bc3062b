package s3_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"replayd/archive/s3"
)

// world stands for all hosts but 127.0.0.1: as a proxy it sees which ones are asked, and answers in their place.
var world struct {
	http.Handler // of the test that runs
	authority    []byte
}

func TestMain(m *testing.M) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { world.ServeHTTP(w, r) }))
	var issue func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	world.authority, issue = authority()
	server.TLS = &tls.Config{GetCertificate: issue}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			tunnel(w, server.Listener.Addr().String())
			return
		}
		world.ServeHTTP(w, r)
	}))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} { // read once a process
		_ = os.Setenv(name, proxy.URL)
		_ = os.Unsetenv(strings.ToLower(name))
	}
	_, _ = os.Unsetenv("NO_PROXY"), os.Unsetenv("no_proxy")
	code := m.Run()
	proxy.Close()
	server.Close()
	os.Exit(code)
}

// tunnel joins a client with address.
func tunnel(w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, read, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, read) // which may hold some already
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
	_ = here.Close()
}

// authority returns a certificate to trust and what issues others by it, for any host.
func authority() (root []byte, issue func(*tls.ClientHelloInfo) (*tls.Certificate, error)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		panic(err)
	}
	issue = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, DNSNames: []string{hello.ServerName},
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), issue
}

// everywhere makes d answer for all hosts. It returns the addresses that were asked, without query, each with the region
// it was signed for.
func everywhere(t *testing.T, d *double) *[]string {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(bundle, world.authority, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	var asked []string
	world.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "https://"
		if r.TLS == nil {
			scheme = "http://"
		}
		region := r.Header.Get("X-Amz-Region-Set")
		if found := regexp.MustCompile(`/([a-z][a-z0-9-]+)/s3/aws4_request`).FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
			region = found[1]
		}
		asked = append(asked, scheme+r.Host+r.URL.Path+" "+region)
		r.URL.Path = "/" + bucket + strings.TrimPrefix(r.URL.Path, "/my.bucket")
		d.Config.Handler.ServeHTTP(w, r)
	})
	return &asked
}

func TestEveryKindOfAddressLeadsWhereItShould(t *testing.T) {
	alone(t)
	const ap = "arn:aws:s3:us-west-2:123456789012:accesspoint/mine"
	for _, c := range []struct {
		address, region, endpoint string
		host, signed              string
	}{
		{"s3://archive/p", "us-west-2", "", "https://archive.s3.us-west-2.amazonaws.com", "us-west-2"},
		{"s3://my.bucket/p/", "us-west-2", "", "https://s3.us-west-2.amazonaws.com/my.bucket", "us-west-2"},
		{"s3://archive/p", "cn-north-1", "", "https://archive.s3.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{"s3://arn:aws:s3:::archive/p", "us-west-2", "", "https://archive.s3.us-west-2.amazonaws.com", "us-west-2"},
		{"s3://mine-abc123-s3alias/p", "us-west-2", "", "https://mine-abc123-s3alias.s3.us-west-2.amazonaws.com", "us-west-2"},
		{"s3://" + ap + "/p", "", "", "https://mine-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "us-west-2"},
		{"s3://" + ap + "/p", "eu-west-1", "", "https://mine-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "us-west-2"},
		{"s3://" + strings.Replace(ap, "accesspoint/", "accesspoint:", 1) + "/p", "", "", "https://mine-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "us-west-2"},
		{"s3://arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap/p", "", "", "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", "*"},
		{"s3://arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/mine/p", "", "", "https://mine-123456789012.op-1.s3-outposts.us-west-2.amazonaws.com", "*"},
		{"s3://" + ap + "/p", "", "http://s3.internal", "http://mine-123456789012.s3.internal", "us-west-2"},
		{"s3://archive/p", "", "http://s3.internal:9000", "http://archive.s3.internal:9000", "us-east-1"},
	} {
		t.Run(c.address+" "+c.region+c.endpoint, func(t *testing.T) {
			d := newDouble(t, map[string][]byte{"p/a": []byte("x")})
			asked := everywhere(t, d)
			name, prefix, err := s3.Address(c.address)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, s3.Options{Bucket: name, Prefix: prefix, Region: c.region, Endpoint: c.endpoint})
			if got, err := readFrom(t, s, first(t, s, ""), 0); err != nil || got != "x" {
				t.Errorf("%q, %v", got, err)
			}
			list := strings.TrimSuffix((*asked)[0], " "+c.signed)
			if strings.TrimSuffix(list, "/") != c.host || (*asked)[1] != c.host+"/p/a "+c.signed {
				t.Errorf("asked %q, want %s signed for %q", *asked, c.host, c.signed)
			}
			if want := strings.TrimSuffix(strings.Replace(c.address, "arn:aws:s3:::", "", 1), "/"); s.String() != want {
				t.Errorf("is called %s", s)
			}
		})
	}
}

func TestRefusalsByAnAccessPointNameItsResources(t *testing.T) {
	alone(t)
	d := newDouble(t, nil)
	everywhere(t, d)
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		refusal{403, "AccessDenied", "Access Denied", ""}.ServeHTTP(w, r)
		return false
	}
	const ap = "arn:aws:s3:us-west-2:123456789012:accesspoint/mine"
	list, get := requests(t, open(t, s3.Options{Bucket: ap, Prefix: "p"}))
	permanent(t, list, "s3:ListBucket on "+ap+".", "requester_pays")
	permanent(t, get, "s3:GetObject on "+ap+"/object/p/*")
	list, get = requests(t, open(t, s3.Options{Bucket: bucket, Region: "us-gov-east-1", RequesterPays: true}))
	permanent(t, list, "s3:ListBucket on arn:aws-us-gov:s3:::archive.")
	permanent(t, get, "s3:GetObject on arn:aws-us-gov:s3:::archive/*")
	if strings.Contains(list.Error(), "requester_pays") {
		t.Errorf("asks for what is set: %v", list)
	}
	_, err := s3.Open(t.Context(), s3.Options{Bucket: ap, PathStyle: true})
	permanent(t, err, "path_style", "alias")
}

func TestAddressesAreTakenAsTheyAreWritten(t *testing.T) {
	for address, want := range map[string][2]string{
		"s3://b":                {"b", ""},
		"s3://b/":               {"b", ""},
		"s3://b/p/q/":           {"b", "p/q/"},
		"s3://b/100%/a b?c#d":   {"b", "100%/a b?c#d"},
		"s3://arn:aws:s3:::b":   {"b", ""},
		"s3://arn:aws:s3:::b/p": {"b", "p"},
		"s3://arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/ap/p/q":             {"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/ap", "p/q"},
		"s3://arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/ap":       {"arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/ap", ""},
		"s3://arn:aws:s3-outposts:us-east-1:123456789012:outpost/o/accesspoint/a/p": {"arn:aws:s3-outposts:us-east-1:123456789012:outpost/o/accesspoint/a", "p"},
	} {
		name, prefix, err := s3.Address(address)
		if err != nil || [2]string{name, prefix} != want {
			t.Errorf("%s: %q %q, %v", address, name, prefix, err)
		}
	}
	for address, says := range map[string]string{
		"s3://":   "names no bucket",
		"s3:///p": "names no bucket",
		"gs://b":  "does not begin with s3://",
		"s3://arn:aws:s3:us-east-1:1:accesspoint/ap": "neither a bucket nor an access point",
		"s3://arn:aws:iam::123456789012:role/r":      "neither a bucket nor an access point",
	} {
		if _, _, err := s3.Address(address); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestRequesterPaysIsSaidWithEachRequestAndOnlyWhenAgreedTo(t *testing.T) {
	alone(t)
	for _, pays := range []bool{false, true} {
		d := newDouble(t, map[string][]byte{"a": []byte("x")})
		d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			if said := r.Header.Get("X-Amz-Request-Payer") == "requester"; said != pays {
				t.Errorf("%s: said %v, want %v", r.URL, said, pays)
			}
			return true
		}
		s := open(t, s3.Options{Bucket: bucket, Endpoint: d.URL, PathStyle: true, RequesterPays: pays})
		if _, err := readFrom(t, s, first(t, s, ""), 0); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongRegionIsNamedWithTheRightOne(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	asked := everywhere(t, d)
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains((*asked)[len(*asked)-1], "eu-west-1") {
			return true
		}
		refusal{301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.", "eu-west-1"}.ServeHTTP(w, r)
		return false
	}
	list, get := requests(t, open(t, s3.Options{Bucket: bucket, Region: "us-west-2"}))
	permanent(t, list, "--s3-region eu-west-1")
	permanent(t, get, "--s3-region eu-west-1")
	first(t, open(t, s3.Options{Bucket: bucket, Region: "eu-west-1"}), "")
}
