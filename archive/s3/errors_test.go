package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"replayd/archive"
	"replayd/archive/s3"
)

// refusal is an answer of a store to all requests.
type refusal struct {
	status  int
	code    string // empty: a body that is no XML, as a proxy sends
	message string
	region  string
}

func (f refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if f.region != "" {
		w.Header().Set("X-Amz-Bucket-Region", f.region)
	}
	w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
	w.WriteHeader(f.status)
	if f.code == "" {
		_, _ = io.WriteString(w, "<html><body>sorry")
		return
	}
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, f.code, f.message)
}

func TestAnswersThatNoRetryChangesSayTheNextStep(t *testing.T) {
	alone(t)
	for _, c := range []struct {
		refusal
		list, get []string // what the errors say
	}{
		{
			refusal{403, "AccessDenied", "Access Denied", ""},
			[]string{"list s3://archive/p/2026/", "AccessDenied: Access Denied (HTTP 403, request 4442587FB7D0A2F9)", "s3:ListBucket on arn:aws:s3:::archive.", "--aws-profile"},
			[]string{"get s3://archive/p/a from byte 7", "s3:GetObject on arn:aws:s3:::archive/p/*"},
		},
		{
			refusal{403, "AccessDenied", "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no identity-based policy allows the kms:Decrypt action", ""},
			nil,
			[]string{"They need kms:Decrypt on arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab, in their own policy"},
		},
		{
			refusal{403, "AccessDenied", "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.", ""},
			nil,
			[]string{"kms:Decrypt on the bucket's key"},
		},
		{refusal{403, "AccessDenied", "Bucket is a Requester Pays bucket", ""}, []string{"requester_pays: true"}, []string{"requester_pays: true"}},
		{refusal{403, "", "", ""}, []string{"Forbidden (HTTP 403", "s3:ListBucket"}, []string{"s3:GetObject"}},
		{refusal{404, "NoSuchBucket", "", ""}, []string{"No bucket is called archive"}, []string{"No bucket is called archive"}},
		{refusal{403, "InvalidAccessKeyId", "", ""}, []string{"--aws-profile"}, []string{"--aws-profile"}},
		{refusal{404, "XAdminUserNotFound", "", ""}, []string{"--aws-profile"}, []string{"--aws-profile"}},
		{refusal{404, "NoSuchAccessPoint", "", ""}, []string{"--s3-endpoint"}, []string{"--s3-endpoint"}},
		{refusal{403, "SignatureDoesNotMatch", "", ""}, []string{"AWS_SECRET_ACCESS_KEY"}, []string{"AWS_SECRET_ACCESS_KEY"}},
		{refusal{400, "ExpiredToken", "", ""}, []string{"aws sso login --profile NAME"}, []string{"aws sso login --profile NAME"}},
		{refusal{301, "PermanentRedirect", "", "eu-west-1"}, []string{"--s3-region eu-west-1"}, []string{"--s3-region eu-west-1"}},
		{refusal{301, "", "", "eu-west-1"}, []string{"--s3-region eu-west-1"}, []string{"--s3-region eu-west-1"}},
		{refusal{301, "PermanentRedirect", "", ""}, []string{"check --s3-region"}, []string{"check --s3-region"}},
		{
			refusal{400, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'sa-east-1'", ""},
			[]string{"--s3-region sa-east-1"},
			[]string{"--s3-region sa-east-1"},
		},
		{refusal{403, "RequestTimeTooSkewed", "", ""}, []string{"clock"}, []string{"clock"}},
		{refusal{403, "InvalidObjectState", "", ""}, nil, []string{"aws s3api restore-object --bucket archive --key p/a --restore-request"}},
		{
			refusal{400, "KMS.DisabledException", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd is disabled.", ""},
			nil,
			[]string{"The key arn:aws:kms:eu-west-1:111122223333:key/1234abcd that encrypts", "enable it"},
		},
		{refusal{400, "KMS.KMSInvalidStateException", "", ""}, nil, []string{"The key that encrypts the objects cannot be used"}},
		{refusal{400, "", "", "eu-west-1"}, []string{"--s3-region eu-west-1"}, []string{"--s3-region eu-west-1"}},
		{refusal{405, "MethodNotAllowed", "", ""}, []string{"--s3-endpoint"}, []string{"--s3-endpoint"}},
		{refusal{501, "NotImplemented", "", ""}, []string{"--s3-endpoint"}, []string{"--s3-endpoint"}},
	} {
		t.Run(fmt.Sprintf("%d %s %s", c.status, c.code, c.region), func(t *testing.T) {
			list, get := ask(t, c.refusal, "")
			permanent(t, list, c.list...)
			permanent(t, get, c.get...)
		})
	}
}

func TestAnswersThatMayPassAreWorthARetry(t *testing.T) {
	alone(t)
	for _, c := range []refusal{
		{500, "InternalError", "", ""},
		{503, "SlowDown", "Please reduce your request rate.", ""},
		{503, "", "", ""},
		{502, "", "", ""},
		{504, "", "", ""},
		{408, "", "", ""},
		{429, "TooManyRequests", "", ""},
		{400, "RequestTimeout", "", ""},
		{400, "ThrottlingException", "", ""},
		{400, "KMS.ThrottlingException", "", ""},
		{307, "TemporaryRedirect", "", ""},
		{200, "", "", ""}, // a hotel's portal, with 200 and HTML
	} {
		t.Run(fmt.Sprintf("%d %s", c.status, c.code), func(t *testing.T) {
			list, get := ask(t, c, "")
			for _, err := range []error{list, get} {
				if err == nil || !archive.Curable(err) {
					t.Errorf("%v, want an error worth a retry", err)
				}
				if c.code != "" && !strings.Contains(fmt.Sprint(err), c.code) {
					t.Errorf("%v does not say %s", err, c.code)
				}
			}
		})
	}
}

func TestConnectionThatBreaksIsWorthARetry(t *testing.T) {
	alone(t)
	for name, answer := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"in the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `<?xml version="1.0"?><ListBucketResult><Contents><Key>a`)
		},
		"in a refusal": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Co`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			list, get := ask(t, answer, "")
			if list == nil || !archive.Curable(list) {
				t.Errorf("list: %v, want an error worth a retry", list)
			}
			if get == nil || !archive.Curable(get) {
				t.Errorf("get: %v, want an error worth a retry", get)
			}
		})
	}
}

func TestMissingObjectIsGoneWhateverTheAnswerLooksLike(t *testing.T) {
	alone(t)
	for _, c := range []refusal{{404, "NoSuchKey", "", ""}, {404, "NoSuchVersion", "", ""}, {404, "", "", ""}} {
		list, get := ask(t, c, "")
		permanent(t, list)
		if !errors.Is(get, fs.ErrNotExist) {
			t.Errorf("%+v: %v", c, get)
		}
	}
}

// ask lists and reads against a store that gives one answer to everything.
func ask(t *testing.T, answer http.Handler, profile string) (list, get error) {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	return requests(t, open(t, s3.Options{Bucket: bucket, Prefix: "p", Endpoint: server.URL, PathStyle: true, Profile: profile}))
}

func requests(t *testing.T, s *s3.Store) (list, get error) {
	t.Helper()
	_, get = readFrom(t, s, archive.Object{Key: "a", Size: 10, ETag: `"e"`}, 7)
	for _, err := range s.List(t.Context(), "2026/") {
		list = err
	}
	return list, get
}

func TestDeadEndpointIsWorthARetryAndNamed(t *testing.T) {
	alone(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	list, get := requests(t, open(t, s3.Options{Bucket: bucket, Endpoint: address, PathStyle: true}))
	for _, err := range []error{list, get} {
		if !archive.Curable(err) || !strings.Contains(err.Error(), "no answer from "+address+": dial tcp") {
			t.Errorf("%v", err)
		}
	}
	if strings.Contains(list.Error(), "operation error") {
		t.Errorf("%v still holds the SDK's preamble", list)
	}
}

func TestWrongProtocolAndUntrustedCertificateArePermanent(t *testing.T) {
	alone(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that must fail
	secure.StartTLS()
	defer secure.Close()
	for address, cure := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1): "--s3-endpoint http://",
		secure.URL: "AWS_CA_BUNDLE",
	} {
		list, get := requests(t, open(t, s3.Options{Bucket: bucket, Endpoint: address, PathStyle: true}))
		permanent(t, list, cure)
		permanent(t, get, cure)
	}
}

func TestOptionsThatCannotWorkAreRefusedAtOnce(t *testing.T) {
	alone(t)
	for name, c := range map[string]struct {
		o    s3.Options
		want string
	}{
		"no bucket":  {s3.Options{Region: "eu-west-1"}, "s3://bucket/prefix"},
		"no region":  {s3.Options{Bucket: bucket}, "--s3-region"},
		"no scheme":  {s3.Options{Bucket: bucket, Endpoint: "localhost:9000"}, "--s3-endpoint"},
		"no host":    {s3.Options{Bucket: bucket, Endpoint: "http://"}, "--s3-endpoint"},
		"not a URL":  {s3.Options{Bucket: bucket, Endpoint: "http://[::1"}, "--s3-endpoint"},
		"no profile": {s3.Options{Bucket: bucket, Region: "eu-west-1", Profile: "nobody"}, "no AWS profile is called nobody"},
		"not S3":     {s3.Options{Bucket: bucket, Endpoint: "file:///folder"}, "--s3-endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s3.Open(t.Context(), c.o)
			permanent(t, err, c.want)
		})
	}
}

func TestOptionsThatMakeNoAddressArePermanent(t *testing.T) {
	alone(t)
	list, get := requests(t, open(t, s3.Options{Bucket: bucket, Region: "not a region"}))
	permanent(t, list, "Check the archive's bucket")
	permanent(t, get, "Check the archive's bucket")
}

func TestContextThatEndsInARequestIsTheContextsError(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	s := d.store(t, "")
	o := first(t, s, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return false
	}
	if _, err := s.Open(ctx, o, 0); !errors.Is(err, context.Canceled) || archive.Curable(err) {
		t.Errorf("%v", err)
	}
}
