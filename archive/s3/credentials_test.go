package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest/awstest"
	"replayd/archive/s3"
)

func TestWithoutCredentialsTheCureSaysHowToGetSome(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	list, get := ask(t, refusal{403, "AccessDenied", "", ""}, "")
	permanent(t, list, "no usable AWS credentials", "AWS_ACCESS_KEY_ID", "aws sso login --profile NAME")
	permanent(t, get, "no usable AWS credentials")
}

func TestProfileIsUsedAndNamedInTheCure(t *testing.T) {
	alone(t)
	configured(t, "[profile night]\naws_access_key_id = nightkey\naws_secret_access_key = s\nregion = eu-north-1\n")
	var signed string
	list, _ := ask(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed = r.Header.Get("Authorization")
		refusal{400, "ExpiredToken", "", ""}.ServeHTTP(w, r)
	}), "night")
	if !strings.Contains(signed, "Credential=nightkey/") || !strings.Contains(signed, "/eu-north-1/s3/") {
		t.Errorf("signed %s", signed)
	}
	permanent(t, list, "aws sso login --profile night")
}

func configured(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const role = "arn:aws:iam::123456789012:role/replay"

// withRole is a store that assumes a role to read d.
func withRole(t *testing.T, d *double, o s3.Options) *s3.Store {
	t.Helper()
	o.Bucket, o.Endpoint, o.PathStyle, o.AssumeRole = bucket, d.URL, true, role
	return open(t, o)
}

// signers makes d note who signs its requests.
func signers(d *double) *[]string {
	var keys []string
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		keys = append(keys, awstest.Signer(r))
		return true
	}
	return &keys
}

func TestRoleIsAssumedWithExternalIDAndSessionName(t *testing.T) {
	alone(t)
	for _, c := range []struct {
		o    s3.Options
		want awstest.Assumed
	}{
		{s3.Options{}, awstest.Assumed{Role: role, SessionName: "replayd", By: "key", Key: "session1"}},
		{
			s3.Options{ExternalID: "e", SessionName: "night-shift"},
			awstest.Assumed{Role: role, ExternalID: "e", SessionName: "night-shift", By: "key", Key: "session1"},
		},
	} {
		sts := awstest.StartSTS(t)
		d := newDouble(t, map[string][]byte{"a": []byte("x")})
		signed := signers(d)
		s := withRole(t, d, c.o)
		o := first(t, s, "")
		if _, err := readFrom(t, s, o, 0); err != nil {
			t.Fatal(err)
		}
		if got := sts.Assumed(); !slices.Equal(got, []awstest.Assumed{c.want}) {
			t.Errorf("assumed %+v, want one of %+v", got, c.want)
		}
		if !slices.Equal(*signed, []string{"session1", "session1"}) {
			t.Errorf("signed by %q", *signed)
		}
	}
}

// The way of large companies: one's own profile takes a role, with it a second one, and with that the archive's.
func TestRolesAreChainedThroughProfiles(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	configured(t, `[profile base]
aws_access_key_id = basekey
aws_secret_access_key = s
region = eu-north-1
[profile hub]
source_profile = base
role_arn = arn:aws:iam::1:role/hub
role_session_name = me
[profile team]
source_profile = hub
role_arn = arn:aws:iam::2:role/team
external_id = x
region = eu-north-1
`)
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	signed := signers(d)
	first(t, withRole(t, d, s3.Options{Profile: "team", ExternalID: "e"}), "")
	var chain []string
	for _, a := range sts.Assumed() {
		chain = append(chain, fmt.Sprintf("%s takes %s (%s)", a.By, a.Role, a.ExternalID))
	}
	want := []string{
		"basekey takes arn:aws:iam::1:role/hub ()",
		"session1 takes arn:aws:iam::2:role/team (x)",
		"session2 takes " + role + " (e)",
	}
	if !slices.Equal(chain, want) || !slices.Equal(*signed, []string{"session3"}) {
		t.Errorf("%q\nsigned by %q", chain, *signed)
	}
}

// cutAt makes the first answer to a GET end after n bytes.
func cutAt(d *double, o archive.Object, data string, n int, then func(w http.ResponseWriter, r *http.Request) bool) {
	cut := false
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if cut {
			return then(w, r)
		}
		cut = true
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Header().Set("ETag", o.ETag)
		_, _ = io.WriteString(w, data[:n])
		return false // the server breaks the connection
	}
}

func TestRangeThatIsResumedIsSignedByTheSessionOfItsTime(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	sts.Lasts = 30 * time.Second // less than the time before its end at which a session is replaced
	data := strings.Repeat("0123456789", 10_000)
	d := newDouble(t, map[string][]byte{"a": []byte(data)})
	s := withRole(t, d, s3.Options{})
	o := first(t, s, "")
	var resumed []string
	cutAt(d, o, data, 1234, func(_ http.ResponseWriter, r *http.Request) bool {
		resumed = append(resumed, r.Header.Get("Range")+" by "+awstest.Signer(r))
		return true
	})
	body := (&archive.Fetcher{Store: s, GiveUp: time.Minute}).Open(t.Context(), o)
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != data {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// one session for the listing, one for the body, one for the rest of it
	if !slices.Equal(resumed, []string{"bytes=1234- by session3"}) {
		t.Errorf("resumed with %q", resumed)
	}
}

func TestSessionOfAProfilesRoleIsReplacedBeforeItEnds(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	sts.Lasts = 30 * time.Second
	configured(t, "[profile base]\naws_access_key_id = k\naws_secret_access_key = s\n"+
		"[profile team]\nsource_profile = base\nrole_arn = arn:aws:iam::2:role/team\nregion = eu-north-1\n")
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	signed := signers(d)
	s := open(t, s3.Options{Bucket: bucket, Endpoint: d.URL, PathStyle: true, Profile: "team"})
	if _, err := readFrom(t, s, first(t, s, ""), 0); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(*signed, []string{"session1", "session2"}) {
		t.Errorf("signed by %q", *signed)
	}
}

func TestSessionThatIsEndedBeforeItsTimeInMidObjectIsRenewed(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	data := strings.Repeat("0123456789", 10_000)
	d := newDouble(t, map[string][]byte{"a": []byte(data)})
	s := withRole(t, d, s3.Options{})
	o := first(t, s, "")
	var asked []string
	cutAt(d, o, data, 1234, func(w http.ResponseWriter, r *http.Request) bool {
		if len(asked) == 0 {
			sts.End()
		}
		asked = append(asked, r.Header.Get("Range")+" by "+awstest.Signer(r))
		if sts.Ended(r) {
			awstest.Refuse(w, http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
			return false
		}
		return true
	})
	body := (&archive.Fetcher{Store: s, GiveUp: time.Minute}).Open(t.Context(), o)
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != data {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if !slices.Equal(asked, []string{"bytes=1234- by session1", "bytes=1234- by session2"}) {
		t.Errorf("asked for %q", asked)
	}
}

func TestSessionThatNobodyButAPersonRenewsIsPermanent(t *testing.T) {
	alone(t)
	t.Setenv("AWS_SESSION_TOKEN", "from this morning")
	asked := 0
	list, get := ask(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		refusal{400, "ExpiredToken", "The provided token has expired.", ""}.ServeHTTP(w, r)
	}), "")
	for _, err := range []error{list, get} {
		permanent(t, err, "ExpiredToken: The provided token has expired.", "The session has ended. Sign in again", "aws sso login --profile NAME")
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestRoleThatCannotBeAssumedAgainBecauseTheOwnSessionEndedSaysToSignIn(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	sts.Lasts = time.Second
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	s := withRole(t, d, s3.Options{})
	first(t, s, "")
	sts.Refuse = "ExpiredToken"
	list, get := requests(t, s)
	permanent(t, list, "no usable AWS credentials: ExpiredToken", "Sign in again")
	permanent(t, get, "no usable AWS credentials: ExpiredToken", "Sign in again")
}

func TestRoleThatIsRefusedIsPermanentAndLaterWorthARetry(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	sts.Lasts = time.Second // so it is asked for again each time
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	sts.Refuse = "AccessDenied"
	list, _ := requests(t, withRole(t, d, s3.Options{}))
	permanent(t, list, "no usable AWS credentials: AccessDenied", "sts:AssumeRole on "+role, "no external id is configured")
	list, _ = requests(t, withRole(t, d, s3.Options{ExternalID: "e"}))
	permanent(t, list, "the external_id must be the one it asks for")
	sts.Refuse = ""
	s := withRole(t, d, s3.Options{})
	first(t, s, "")
	sts.Refuse = "AccessDenied"
	if list, _ := requests(t, s); !archive.Curable(list) {
		t.Errorf("after it had worked: %v", list)
	}
}

func TestServiceOfCredentialsThatIsAwayIsWorthARetry(t *testing.T) {
	alone(t)
	sts := awstest.StartSTS(t)
	d := newDouble(t, nil)
	sts.Refuse = "Throttling"
	list, _ := requests(t, withRole(t, d, s3.Options{}))
	if !archive.Curable(list) {
		t.Errorf("throttled: %v", list)
	}
	sts.Close()
	list, _ = requests(t, withRole(t, d, s3.Options{}))
	if !archive.Curable(list) {
		t.Errorf("gone: %v", list)
	}
}

const sso = `sso_account_id = 123456789012
sso_role_name = reader
region = eu-west-1
`

func TestEndedSSOSessionNamesTheProfileThatSignsIn(t *testing.T) {
	alone(t)
	t.Setenv("HOME", t.TempDir()) // holds no token
	legacy := "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n" + sso
	for name, text := range map[string]string{
		"of the profile itself": "[profile work]\n" + legacy,
		"by a session":          "[sso-session s]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n[profile work]\nsso_session = s\n" + sso,
		"of the profile behind": "[profile night]\nsource_profile = work\nrole_arn = arn:aws:iam::1:role/r\nregion = eu-west-1\n[profile work]\n" + legacy,
	} {
		t.Run(name, func(t *testing.T) {
			configured(t, text)
			profile := "work"
			if strings.Contains(text, "night") {
				profile = "night"
			}
			list, get := ask(t, refusal{403, "AccessDenied", "", ""}, profile)
			for _, err := range []error{list, get} {
				permanent(t, err)
				if !strings.HasSuffix(err.Error(), "\nSign in again: aws sso login --profile work") {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestRefusedSSOTokenIsPermanentAndAPortalThatIsAwayIsNot(t *testing.T) {
	alone(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := os.MkdirAll(home+"/.aws/sso/cache", 0o700); err != nil {
		t.Fatal(err)
	}
	token := `{"accessToken":"t","expiresAt":"2099-01-01T00:00:00Z","startUrl":"https://example.awsapps.com/start","region":"eu-west-1"}`
	// the file's name is the SHA-1 of the session's
	if err := os.WriteFile(home+"/.aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json", []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	configured(t, "[sso-session s]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n[profile work]\nsso_session = s\n"+sso)
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "UnauthorizedException")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"Session token not found or invalid"}`)
	}))
	defer portal.Close()
	t.Setenv("AWS_ENDPOINT_URL_SSO", portal.URL)
	list, _ := ask(t, refusal{403, "AccessDenied", "", ""}, "work")
	permanent(t, list, "UnauthorizedException: Session token not found or invalid", "Sign in again: aws sso login --profile work")
	portal.Close()
	if list, _ = ask(t, refusal{403, "AccessDenied", "", ""}, "work"); !archive.Curable(list) {
		t.Errorf("away: %v", list)
	}
}

// printing makes a profile called junk whose credential_process prints what a file holds.
func printing(t *testing.T, text string) (file string) {
	t.Helper()
	file = t.TempDir() + "/printed"
	write(t, file, text)
	configured(t, "[profile junk]\ncredential_process = cat "+file+"\nregion = eu-west-1\n"+
		"[profile team]\nsource_profile = junk\nrole_arn = arn:aws:iam::2:role/team\nregion = eu-west-1\n")
	return file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	goodOutput = `{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK","Expiration":"2000-01-01T00:00:00Z"}` // asked for each time
	junkOutput = `{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK","Expiration":"notatime"}`
)

// noSecret checks all that err and the errors inside it say.
func noSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if told := fmt.Sprintf("%s %+v", e, e); strings.Contains(told, "SECRETJUNK") {
			t.Errorf("the secret key is told: %s", told)
		}
	}
}

func TestOutputOfACredentialProcessIsInNoError(t *testing.T) {
	alone(t)
	awstest.StartSTS(t)
	printing(t, junkOutput)
	for _, profile := range []string{"junk", "team"} {
		list, get := ask(t, refusal{403, "AccessDenied", "", ""}, profile)
		for _, err := range []error{list, get} {
			noSecret(t, err)
			permanent(t, err, "no usable AWS credentials: credential_process printed an Expiration that is no time",
				"Run the credential_process of profile junk by hand")
		}
	}
}

func TestOutputOfACredentialProcessThatGoesBadLaterIsInNoError(t *testing.T) {
	alone(t)
	file := printing(t, goodOutput)
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	s := open(t, s3.Options{Bucket: bucket, Endpoint: d.URL, PathStyle: true, Profile: "junk"})
	o := first(t, s, "")
	write(t, file, junkOutput)
	_, err := readFrom(t, s, o, 0)
	noSecret(t, err)
	if err == nil || !archive.Curable(err) || !strings.Contains(err.Error(), "credential_process printed") {
		t.Errorf("%v", err)
	}
}
