package s3

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"replayd/archive"
	"replayd/archive/awscreds"
)

// renewal is how long before its end a session is replaced: longer than clocks differ and requests take.
const renewal = time.Minute

// credentials are what requests are signed with: the SDK's chain, and the role that is assumed with what it gives.
type credentials struct {
	cache   *aws.CredentialsCache
	guarded aws.CredentialsProvider // the cache
}

// newCredentials takes the chain of cfg, which may end in nothing.
func newCredentials(cfg aws.Config, o Options) *credentials {
	provider := cfg.Credentials
	if o.AssumeRole != "" {
		provider = assume(cfg, o)
	}
	cache, ok := provider.(*aws.CredentialsCache)
	if !ok {
		cache = aws.NewCredentialsCache(provider, renewEarly)
	}
	return &credentials{cache, awscreds.Guard(cache, awscreds.Limit)}
}

func renewEarly(c *aws.CredentialsCacheOptions) { c.ExpiryWindow = renewal }

func assume(cfg aws.Config, o Options) aws.CredentialsProvider {
	if cfg.Region == "" {
		cfg.Region = anyRegion
	}
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.AssumeRole, func(a *stscreds.AssumeRoleOptions) {
		a.RoleSessionName = cmp.Or(o.SessionName, sessionName)
		if o.ExternalID != "" {
			a.ExternalID = aws.String(o.ExternalID)
		}
	})
}

// Retrieve implements aws.CredentialsProvider. It marks the errors of the chain, to which the SDK gives no type.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.guarded.Retrieve(ctx)
	if err != nil {
		return found, &credentialsError{err}
	}
	return found, nil
}

// renew is for credentials that a store called ended although they did not seem so: revoked, or the clocks differ. It
// reports whether others could be had. used is what the request was signed with: another worker may have renewed them.
func (c *credentials) renew(ctx context.Context, used string) (bool, error) {
	found, err := c.Retrieve(ctx)
	if err == nil && found.AccessKeyID == used {
		c.cache.Invalidate()
		found, err = c.Retrieve(ctx)
	}
	return err == nil && found.AccessKeyID != used, err
}

type credentialsError struct{ error }

func (e *credentialsError) Unwrap() error { return e.error }

// ended are the codes, of S3 and of STS, for a session that has ended.
var ended = map[string]bool{
	"ExpiredToken": true, "ExpiredTokenException": true, "InvalidToken": true, "TokenRefreshRequired": true,
}

// signer is the access key that signed a request.
func signer(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return key
}

// service is what err was asked of, as the SDK calls it: STS, SSO, SSO OIDC; empty when it was no service of AWS.
func service(err error) string {
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		return operation.Service()
	}
	return ""
}

// signInEnded reports whether err means that a person must sign in again: the single sign-on's session is over, or has
// never begun. A portal that does not answer is another matter.
func signInEnded(err error) bool {
	var token *ssocreds.InvalidTokenError
	if errors.As(err, &token) || strings.Contains(err.Error(), "cached SSO token") {
		return true
	}
	a, answered := answerOf(err)
	return answered && strings.HasPrefix(service(err), "SSO") && !a.passing()
}

// away reports whether the service that gives out credentials may only be away for a while.
func away(err error) bool {
	a, answered := answerOf(err)
	known := service(err) == "STS" || strings.HasPrefix(service(err), "SSO")
	return known && (!answered || a.passing())
}

// signInProfile is the profile in the chain that begins at name which signs in, empty when none does: the command that
// signs in wants that one, not the one which takes its credentials.
func signInProfile(ctx context.Context, name string) string {
	return profileThat(ctx, name, func(p *config.SharedConfig) bool { return p.SSOAccountID != "" || p.SSOSession != nil })
}

func profileThat(ctx context.Context, name string, does func(*config.SharedConfig) bool) string {
	name = cmp.Or(name, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), config.DefaultSharedConfigProfile)
	shared, err := config.LoadSharedConfigProfile(ctx, name, files)
	if err != nil {
		return ""
	}
	for p := &shared; p != nil; p = p.Source {
		if does(p) {
			return p.Profile
		}
	}
	return ""
}

// files are the shared configuration files that the environment names; the SDK looks there by itself only when it loads
// everything.
func files(o *config.LoadSharedConfigOptions) {
	o.Logger = logging.Nop{}
	if f := os.Getenv("AWS_CONFIG_FILE"); f != "" {
		o.ConfigFiles = []string{f}
	}
	if f := os.Getenv("AWS_SHARED_CREDENTIALS_FILE"); f != "" {
		o.CredentialsFiles = []string{f}
	}
}

// unsigned sorts the errors of the chain of credentials. As long as it has never given any, none are configured; later
// the service behind them may be away for a while.
func (s *Store) unsigned(ctx context.Context, err error) error {
	told := &unusable{err}
	a, answered := answerOf(err)
	switch {
	case signInEnded(err), answered && ended[a.code]:
		return &archive.Permanent{Err: told, Cure: s.signIn(ctx)}
	case s.meter.answered.Load(), away(err):
		return told
	case errors.As(err, new(*awscreds.ProcessError)), errors.As(err, new(*awscreds.LateError)):
		return &archive.Permanent{Err: told, Cure: s.processCure(ctx)}
	case s.options.AssumeRole != "" && answered:
		return &archive.Permanent{Err: told, Cure: s.roleCure()}
	}
	return &archive.Permanent{
		Err:  told,
		Cure: "Give --aws-profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. " + s.signIn(ctx),
	}
}

// unusable says in one line why there are no credentials. The SDK's error is what it stands for.
type unusable struct{ error }

func (u *unusable) Error() string {
	if a, ok := answerOf(u.error); ok {
		return "no usable AWS credentials: " + a.Error()
	}
	return "no usable AWS credentials: " + u.error.Error()
}

func (u *unusable) Unwrap() error { return u.error }

// roleCure is for a role that may not be assumed. STS does not tell a wrong external id from a missing right.
func (s *Store) roleCure() string {
	id := "no external id is configured, which it may ask for (external_id)"
	if s.options.ExternalID != "" {
		id = "the external_id must be the one it asks for"
	}
	return "The credentials need sts:AssumeRole on " + s.options.AssumeRole + ", and the role's trust policy must let them: " + id + "."
}

// processCure is for a program that gives no credentials, or for none in time, which may have another cause.
func (s *Store) processCure(ctx context.Context) string {
	whose := "If a profile has a credential_process, run it by hand"
	name := profileThat(ctx, s.options.Profile, func(p *config.SharedConfig) bool { return p.CredentialProcess != "" })
	if name != "" {
		whose = "Run the credential_process of profile " + name + " by hand"
	}
	return whose + " to see what it prints or waits for, or choose other credentials with --aws-profile NAME."
}

func (s *Store) signIn(ctx context.Context) string {
	if name := signInProfile(ctx, s.options.Profile); name != "" {
		return "Sign in again: aws sso login --profile " + name
	}
	if s.options.Profile != "" {
		return "Renew the credentials of profile " + s.options.Profile + " where they come from, or sign in where it does so: aws sso login --profile " + s.options.Profile
	}
	return "Sign in again, for example with aws sso login --profile NAME, and choose the credentials with --aws-profile NAME."
}
