// Package s3 reads an archive from S3 or a store that speaks its protocol.
//
// The package adds three things to the SDK. It tells what a retry cures from what a person must cure, and says to that
// person which permission, flag or command is missing. It proves of each body that it belongs to the object that was
// listed: by If-Match where the listing gave an ETag, else by size and modification time. And it counts what it asks
// for, because requests cost money.
//
// Bodies that break in the middle are not resumed here but by archive.Fetcher, for all stores alike.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"replayd/archive"
	"replayd/archive/awscreds"
)

// Options say where the archive is and who asks. Only Bucket is required: a name, an access point's alias or its ARN. What is empty comes from where the AWS
// command line takes it: environment, shared configuration, container or instance role.
type Options struct {
	Bucket string

	// Prefix is a folder: a slash is added to it when it has none, and keys are relative to it.
	Prefix string

	Profile   string // of the shared configuration files
	Region    string
	Endpoint  string // of a store that is not AWS, with http:// or https://
	PathStyle bool   // the bucket is in the path of addresses, not in the host name

	AssumeRole  string // ARN of the role to take on with what Profile or the chain gives
	ExternalID  string // that the role's trust policy asks for
	SessionName string // of the role's session, as audit logs show it; empty: replayd

	RequesterPays bool // says yes to being billed for requests and transfer
}

// Store is a bucket, or a folder of one. Safe for concurrent use.
type Store struct {
	options Options
	prefix  string // empty or with a slash at its end
	client  *s3.Client
	frugal  s3.HTTPClient // for bodies that are read little by little; nil: the client's own
	signing *credentials  // of client; nil in tests that sign nothing
	meter   meter
	plain   atomic.Bool // the store refuses to be asked for the restore status
}

var _ archive.FrugalStore = (*Store)(nil)

const (
	// idleConnections is how many connections are kept for the next request: as many as objects are open at a time on a
	// large machine. The SDK keeps 10 to a host, and 100 in all, so that the others pay a TLS handshake for each object.
	idleConnections = 256

	// anyRegion signs requests to stores that know no regions.
	anyRegion = "us-east-1"

	sessionName = "replayd" // how an assumed role's session is called in audit logs
)

// Open sends no request: whether bucket and credentials are right shows at the first List. What is wrong with the
// options or the shared configuration is an archive.Permanent error.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{options: o, prefix: folder(o.Prefix)}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open s3 archive: %w", err)
	}
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s, err)
	}
	s.signing = newCredentials(cfg, o)
	cfg.Credentials = s.signing
	s.connect(cfg)
	if s.client.Options().Region == "" {
		return nil, fmt.Errorf("open %s: %w", s, &archive.Permanent{
			Err:  errors.New("no region"),
			Cure: "Give the bucket's region with --s3-region, AWS_REGION or in the profile.",
		})
	}
	return s, nil
}

func (s *Store) connect(cfg aws.Config) {
	s.client = s3.NewFromConfig(cfg, s.configure)
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		s.frugal = &metered{client: client.WithTransportOptions(receiveLittle), meter: &s.meter}
	}
}

// frugalBuffer is the receive buffer of a connection whose body is read little by little; the system doubles it. Left to
// itself Linux lets it grow to 6 MiB and more, and the memory of all TCP buffers has an end at which connections stand still:
// 630 bodies that nobody hurried to read did that on a machine of 24 GiB.
const frugalBuffer = 128 << 10

// receiveLittle makes the connections of a transport keep little of what is not read.
func receiveLittle(t *http.Transport) {
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok && err == nil {
			_ = tcp.SetReadBuffer(frugalBuffer) // a system that does not do that still works, with larger buffers
		}
		return c, err
	}
}

// String is s3://bucket/prefix.
func (s *Store) String() string { return strings.TrimSuffix(s.place(""), "/") }

// place is the address of an object, for people.
func (s *Store) place(key string) string {
	return archive.Printable("s3://" + s.options.Bucket + "/" + s.prefix + key)
}

func (o Options) validate() error {
	if archive.HasLogin(o.Endpoint) {
		return &archive.Permanent{Err: fmt.Errorf("endpoint: %w", archive.ErrLogin), Cure: "Give --s3-endpoint as https://s3.example.org."}
	}
	if o.Bucket == "" {
		return &archive.Permanent{Err: errors.New("no bucket"), Cure: "Give the archive as s3://bucket/prefix."}
	}
	if isARN(o.Bucket) && o.PathStyle {
		return &archive.Permanent{
			Err:  errors.New("the ARN of an access point makes no path-style address"),
			Cure: "Leave out --s3-path-style (path_style), or give the access point's alias in place of its ARN.",
		}
	}
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return &archive.Permanent{
			Err:  fmt.Errorf("endpoint %q is not an address", o.Endpoint),
			Cure: "Give --s3-endpoint with its scheme, as https://s3.example.org or http://127.0.0.1:9000.",
		}
	}
	return nil
}

func folder(prefix string) string {
	prefix = strings.TrimPrefix(prefix, "/")
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return prefix
}

func load(ctx context.Context, o Options) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConnections, idleConnections
		t.MaxConnsPerHost = 0 // whoever reads bounds it, and may wait for one object while it has many open
	})
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigProfile(o.Profile),
		config.WithRegion(o.Region),
		config.WithHTTPClient(client),
		config.WithLogger(logging.Nop{}), // what matters is in the errors
		config.WithCredentialsCacheOptions(renewEarly),
		config.WithProcessCredentialOptions(awscreds.Options(awscreds.Limit)),
	)
	if err != nil {
		return aws.Config{}, configError(err)
	}
	cfg.Retryer = retryer // as an option of loading it would make the SDK pass over AWS_MAX_ATTEMPTS
	return cfg, nil
}

func (s *Store) configure(o *s3.Options) {
	if s.options.Endpoint != "" {
		o.BaseEndpoint = aws.String(s.options.Endpoint)
	}
	o.UseARNRegion = true // the archive's address decides, not where the credentials are at home
	if o.Region == "" {
		o.Region = regionOf(s.options.Bucket)
	}
	if o.Region == "" && o.BaseEndpoint != nil {
		o.Region = anyRegion
	}
	o.UsePathStyle = s.options.PathStyle
	o.HTTPClient = &metered{client: o.HTTPClient, meter: &s.meter}

	// Bytes are handed on before a checksum at the end could be compared, and resumed bodies have none: TLS and the
	// checksums of the codecs stand guard instead.
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.DisableLogOutputChecksumValidationSkipped = true
}
