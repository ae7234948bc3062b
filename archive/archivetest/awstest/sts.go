package awstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"
)

// STS gives out sessions of roles.
type STS struct {
	*httptest.Server

	// Lasts is how long a session is said to last.
	Lasts time.Duration

	// Refuse, unless empty, is the code of the error that every request is answered with.
	Refuse string

	mu      sync.Mutex
	assumed []Assumed
	ended   map[string]bool // sessions by access key
}

// Assumed is one session that was asked for and given.
type Assumed struct {
	Role, ExternalID, SessionName string
	By                            string // access key that signed the request
	Key                           string // access key of the session
}

// StartSTS serves until the test ends, and makes the SDK take it for STS.
func StartSTS(tb testing.TB) *STS {
	s := &STS{Lasts: time.Hour, ended: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	if t, ok := tb.(interface{ Setenv(key, value string) }); ok {
		t.Setenv("AWS_ENDPOINT_URL_STS", s.URL)
	}
	return s
}

// Assumed are the sessions given so far.
func (s *STS) Assumed() []Assumed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Assumed(nil), s.assumed...)
}

// End ends all sessions given so far, whatever time they had left: an administrator revoked them.
func (s *STS) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.assumed {
		s.ended[a.Key] = true
	}
}

// Ended reports whether the session that signed r has ended.
func (s *STS) Ended(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended[Signer(r)]
}

var credential = regexp.MustCompile(`Credential=([^/]+)/`)

// Signer is the access key that signed r.
func Signer(r *http.Request) string {
	if found := credential.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		return found[1]
	}
	return ""
}

func (s *STS) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Refuse != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>said by the test</Message></Error></ErrorResponse>`, s.Refuse)
		return
	}
	a := Assumed{
		Role: r.FormValue("RoleArn"), ExternalID: r.FormValue("ExternalId"), SessionName: r.FormValue("RoleSessionName"),
		By: Signer(r), Key: fmt.Sprintf("session%d", len(s.assumed)+1),
	}
	s.assumed = append(s.assumed, a)
	fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token of %[1]s</SessionToken>
<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, a.Key, time.Now().Add(s.Lasts).UTC().Format(time.RFC3339))
}
