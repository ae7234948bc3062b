package config

import (
	"time"

	"replayd/archive"
	"replayd/replay/pace"
)

// Config is the whole configuration. Paths in problems are its yaml names joined by dots, and the variables that
// override kafka, limits and server are the same in capitals: limits.open_objects is REPLAYD_LIMITS_OPEN_OBJECTS. Archives and
// targets have names of their own and stand in the file only.
type Config struct {
	Kafka    Kafka              `yaml:"kafka" envPrefix:"KAFKA_"`
	Archives map[string]Archive `yaml:"archives"`
	Targets  map[string]Target  `yaml:"targets"`
	Limits   Limits             `yaml:"limits" envPrefix:"LIMITS_"`
	Server   Server             `yaml:"server" envPrefix:"SERVER_"`

	source source // where it was read, for problems
}

// Kafka is the cluster. Paths of files are relative to the working directory, here as everywhere.
type Kafka struct {
	Brokers       []string `yaml:"brokers" env:"BROKERS"`
	TLS           TLS      `yaml:"tls" envPrefix:"TLS_"`
	SASL          SASL     `yaml:"sasl" envPrefix:"SASL_"`
	ControlPrefix string   `yaml:"control_prefix" env:"CONTROL_PREFIX"` // of the control topics
}

// TLS is used when it is enabled or a file is named. Without ca_file the system's authorities hold.
type TLS struct {
	Enabled  bool   `yaml:"enabled" env:"ENABLED"`
	CAFile   string `yaml:"ca_file" env:"CA_FILE"`
	CertFile string `yaml:"cert_file" env:"CERT_FILE"` // of the client, with key_file
	KeyFile  string `yaml:"key_file" env:"KEY_FILE"`
}

// On reports whether connections are to be encrypted.
func (t TLS) On() bool { return t.Enabled || t.CAFile != "" || t.CertFile != "" }

// SASL is used when a mechanism is named.
type SASL struct {
	Mechanism    string `yaml:"mechanism" env:"MECHANISM"` // one of Mechanisms, or empty
	Username     string `yaml:"username" env:"USERNAME"`
	Password     Secret `yaml:"password" env:"PASSWORD"`
	PasswordFile string `yaml:"password_file" env:"PASSWORD_FILE"` // instead of password
	TokenFile    string `yaml:"token_file" env:"TOKEN_FILE"`       // of oauthbearer
	Profile      string `yaml:"profile" env:"PROFILE"`             // of aws-msk-iam: of the AWS configuration
}

// Mechanisms are the SASL mechanisms that may be named.
var Mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512", oauthBearer, mskIAM}

// Mechanisms that take neither a username nor a password.
const (
	oauthBearer = "oauthbearer"
	mskIAM      = "aws-msk-iam"
)

// Archive says where an archive is and how it is read. What is empty is the preset's to say, or recognised.
type Archive struct {
	URL           []string          `yaml:"url"` // s3://bucket/prefix, file:///folder or a folder; several where prefixes changed
	Preset        string            `yaml:"preset,omitempty"`
	Layout        string            `yaml:"layout,omitempty"`
	Format        string            `yaml:"format,omitempty"`
	EventID       archive.IDRule    `yaml:"event_id,omitempty"`
	EventTime     archive.Pointer   `yaml:"event_time,omitempty"`
	EventTimeZone string            `yaml:"event_time_zone,omitempty"` // of times that are written without one; empty: UTC
	Arrival       archive.Pointer   `yaml:"arrival,omitempty"`
	Key           archive.Pointer   `yaml:"key,omitempty"`
	Volatile      []archive.Pointer `yaml:"volatile,omitempty"`
	SourceTopics  []string          `yaml:"source_topics,omitempty"` // what the live producers write: never a target
	Settle        Duration          `yaml:"settle"`
	Slack         Slack             `yaml:"slack"`
	Lateness      Duration          `yaml:"lateness"`
	Horizon       Duration          `yaml:"horizon,omitempty"` // 0: lateness + slack.After, whatever flags make of the two
	S3            S3                `yaml:"s3,omitempty"`
}

// S3 says how a bucket is reached. What is empty is the AWS SDK's to find.
type S3 struct {
	Region    string `yaml:"region,omitempty"`
	Profile   string `yaml:"profile,omitempty"`
	Endpoint  string `yaml:"endpoint,omitempty"` // of another store that speaks S3
	PathStyle bool   `yaml:"path_style,omitempty"`

	AssumeRole    string `yaml:"assume_role,omitempty"`    // ARN of the role to read with
	ExternalID    string `yaml:"external_id,omitempty"`    // that the role's trust policy asks for
	SessionName   string `yaml:"session_name,omitempty"`   // as audit logs show it
	RequesterPays bool   `yaml:"requester_pays,omitempty"` // agrees to being billed
}

// Target is a topic that may be written.
type Target struct {
	Archives []string     `yaml:"archives"` // that may be replayed into it; empty: all
	Pace     pace.Setting `yaml:"pace"`
}

// Limits bound what a replay may take of the machine.
type Limits struct {
	Memory      Size     `yaml:"memory" env:"MEMORY"`
	SpillDir    string   `yaml:"spill_dir" env:"SPILL_DIR"`
	SpillSize   Size     `yaml:"spill_size" env:"SPILL_SIZE"`
	EventSize   Size     `yaml:"event_size" env:"EVENT_SIZE"` // of an encoded record; larger events are bad
	OpenObjects int      `yaml:"open_objects" env:"OPEN_OBJECTS"`
	GiveUp      Duration `yaml:"give_up" env:"GIVE_UP"` // how long one commit or store request is retried
}

// Server is the daemon: where it listens, who may use it, and how much it runs at a time.
type Server struct {
	Listen  string    `yaml:"listen" env:"LISTEN"`
	Member  string    `yaml:"member" env:"MEMBER"` // name among the daemons of the prefix, which no two may have at a time; empty: none
	TLS     ServerTLS `yaml:"tls" envPrefix:"TLS_"`
	Auth    Auth      `yaml:"auth" envPrefix:"AUTH_"`
	Running int       `yaml:"max_running" env:"MAX_RUNNING"` // replays at a time; limits.memory is shared among as many

	Pace          pace.Setting `yaml:"pace" env:"PACE"` // of all that run, together; not set: each has its own
	RequireReason bool         `yaml:"require_reason" env:"REQUIRE_REASON"`
	SecondPerson  Size         `yaml:"second_person_above" env:"SECOND_PERSON_ABOVE"` // stored bytes of a window; 0: never
}

// ServerTLS is used when a certificate is named. The files are read again when they change.
type ServerTLS struct {
	CertFile     string `yaml:"cert_file" env:"CERT_FILE"`
	KeyFile      string `yaml:"key_file" env:"KEY_FILE"`
	ClientCAFile string `yaml:"client_ca_file" env:"CLIENT_CA_FILE"` // authorities of clients, which then must show a certificate
}

// On reports whether connections are to be encrypted.
func (t ServerTLS) On() bool { return t.CertFile != "" }

// Auth says who may use the daemon. With none of it, only the machine's own users reach it, and may all.
type Auth struct {
	TokensFile   string                 `yaml:"tokens_file" env:"TOKENS_FILE"` // what replayd token new prints, a line a token
	OIDC         OIDC                   `yaml:"oidc" envPrefix:"OIDC_"`
	Certificates map[string]Certificate `yaml:"certificates"` // of clients, by a name in them
}

// On reports whether callers must say who they are.
func (a Auth) On() bool { return a.TokensFile != "" || a.OIDC.On() || len(a.Certificates) > 0 }

// Certificate is what the holder of a client's certificate may do.
type Certificate struct {
	Role     string   `yaml:"role"`
	Archives []string `yaml:"archives"` // that it may see and start
	Topics   []string `yaml:"topics"`   // likewise
}

// everything is every name, where names are listed.
const everything = "*"

func (c *Certificate) setDefaults() {
	*c = Certificate{Archives: []string{everything}, Topics: []string{everything}}
}

// OIDC takes tokens that an identity provider signed.
type OIDC struct {
	Issuer   string  `yaml:"issuer" env:"ISSUER"`
	JWKSURL  Address `yaml:"jwks_url" env:"JWKS_URL"` // empty: as the issuer's discovery says
	Audience string  `yaml:"audience" env:"AUDIENCE"`
	CAFile   string  `yaml:"ca_file" env:"CA_FILE"` // authorities of the provider's own certificate; empty: the system's

	Algorithms []string `yaml:"algorithms" env:"ALGORITHMS"` // of signatures

	// Claims that hold who it is and what that one may.
	Name     string `yaml:"name_claim" env:"NAME_CLAIM"`
	Role     string `yaml:"role_claim" env:"ROLE_CLAIM"`
	Archives string `yaml:"archives_claim" env:"ARCHIVES_CLAIM"`
	Topics   string `yaml:"topics_claim" env:"TOPICS_CLAIM"`

	Roles Roles `yaml:"roles" envPrefix:"ROLES_"`
}

// On reports whether there is an identity provider.
func (o OIDC) On() bool { return o.Issuer != "" }

// Roles are values of the role claim, such as groups, by what they mean. With none they are called as the roles are.
type Roles struct {
	Viewer   []string `yaml:"viewer" env:"VIEWER"`
	Operator []string `yaml:"operator" env:"OPERATOR"`
	Admin    []string `yaml:"admin" env:"ADMIN"`
}

// Named are the roles by the values that mean them; nil when none is named.
func (r Roles) Named() map[string]string {
	var named map[string]string
	for _, role := range []struct {
		name   string
		values []string
	}{{"viewer", r.Viewer}, {"operator", r.Operator}, {"admin", r.Admin}} { // of two, the one that may more
		for _, value := range role.values {
			if named == nil {
				named = map[string]string{}
			}
			named[value] = role.name
		}
	}
	return named
}

// Default is the configuration where nothing is configured.
func Default() *Config {
	return &Config{
		Kafka: Kafka{Brokers: []string{"localhost:9092"}, ControlPrefix: "replayd"},
		Limits: Limits{
			Memory:      512 << 20,
			SpillDir:    "/var/tmp/replayd", // not /tmp, which is memory on many systems
			SpillSize:   16 << 30,
			EventSize:   960 << 10, // what a broker takes by default, less room for the batch around it
			OpenObjects: 256,
			GiveUp:      Duration(time.Hour),
		},
		Server: Server{
			Listen: "127.0.0.1:8484", Running: 4,
			Auth: Auth{OIDC: OIDC{Name: "sub", Role: "replayd_role", Algorithms: []string{"RS256", "ES256"}}},
		},
	}
}

// DefaultArchive is where an archive's entry begins, and what holds for one that has none.
func DefaultArchive() Archive {
	return Archive{
		Settle:   Duration(15 * time.Minute),
		Slack:    Slack{Before: Duration(time.Hour), After: Duration(time.Hour)},
		Lateness: Duration(5 * time.Minute),
	}
}

func (a *Archive) setDefaults() { *a = DefaultArchive() }

func (t *Target) setDefaults() { *t = Target{Pace: pace.Default()} }
