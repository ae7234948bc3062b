package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"replayd/archive"
)

// Bounds of the limits.
const (
	// MinMemory holds what is read, sorted and produced at least at a time; with less, a replay would mostly wait for its disk.
	MinMemory = 16 << 20
	// minEventSize leaves room for something beside the headers, which have archive.HeaderReserve.
	minEventSize = 2 * archive.HeaderReserve
	// maxEventSize is where Kafka's own lengths, 32 bits of them, come into sight.
	maxEventSize = 1 << 30
	// maxOpenObjects is what a process gets by way of open files on a usual system, less some for brokers and disk.
	maxOpenObjects = 60_000
)

// Control topics as named behind control_prefix and a dot.
var controlTopics = []string{"config", "checkpoints", "status", "audit", "quarantine", "work"}

// maxPrefix leaves room in a topic's 249 characters for what comes behind it.
const maxPrefix = 200

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// Validate reports what is wrong with the values and with what they say of each other, as Problems. Load has done so;
// whoever changes a Config, as flags do, validates it again.
func (c *Config) Validate() error { return c.check(nil).orNil() }

// checker collects the problems with the values of c.
type checker struct {
	*Config
	problems Problems
}

// check is silent about values that could not be read in the first place, which known lists: their defaults, which
// stand in for them, were not asked for.
func (c *Config) check(known Problems) Problems {
	k := checker{Config: c}
	k.kafka()
	for _, name := range slices.Sorted(maps.Keys(c.Archives)) {
		k.archive(join("archives", name), name, c.Archives[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		k.target(join("targets", name), name, c.Targets[name])
	}
	k.limits()
	k.server(k.Server)
	return slices.DeleteFunc(k.problems, func(p Problem) bool { return hides(known, p) })
}

func hides(known Problems, p Problem) bool {
	return slices.ContainsFunc(known, func(k Problem) bool { return strings.HasPrefix(p.path+".", k.path+".") })
}

func (k *checker) add(path, format string, args ...any) {
	k.problems = append(k.problems, k.Problem(path, format, args...))
}

func (k *checker) kafka() {
	if len(k.Kafka.Brokers) == 0 {
		k.add("kafka.brokers", "want at least one broker, as in localhost:9092")
	}
	for i, broker := range k.Kafka.Brokers {
		if err := CheckBroker(broker); err != nil {
			k.add(k.element("kafka.brokers", i), "%v", err)
		}
	}
	if prefix := k.Kafka.ControlPrefix; !topicName.MatchString(prefix) || len(prefix) > maxPrefix {
		k.add("kafka.control_prefix", "%q does not begin the name of a topic: want up to %d of a-z A-Z 0-9 . _ -", prefix, maxPrefix)
	}
	if (k.Kafka.TLS.CertFile == "") != (k.Kafka.TLS.KeyFile == "") {
		k.add("kafka.tls", "a client's certificate takes both cert_file and key_file")
	}
	k.sasl(k.Kafka.SASL)
}

func (k *checker) archive(path, name string, a Archive) {
	if name == "" || strings.ContainsAny(name, "/:, ") {
		k.add(path, "the name of an archive has no slash, colon, comma or space: with one, --archive takes it for a place")
	}
	if archive.Printable(name) != name {
		k.add(path, "the name of an archive holds no control characters, nor what cannot be seen")
	}
	if len(a.URL) == 0 {
		k.add(join(path, "url"), "want a url: s3://bucket/prefix, file:///folder or a folder")
	}
	for i, u := range a.URL {
		if err := checkStore(u, a.S3); err != nil {
			k.add(k.element(join(path, "url"), i), "%v", err)
		}
	}
	if a.Preset != "" && !slices.Contains(archive.PresetNames(), a.Preset) {
		k.add(join(path, "preset"), "%q is not known: %s", a.Preset, strings.Join(archive.PresetNames(), ", "))
	}
	for i, topic := range a.SourceTopics {
		if !topicName.MatchString(topic) {
			k.add(k.element(join(path, "source_topics"), i), "%q cannot be the name of a topic: want a-z A-Z 0-9 . _ -", topic)
		}
	}
	if _, written := k.source.places[join(path, "horizon")]; written && a.Horizon == 0 {
		k.add(join(path, "horizon"), "must be above 0: it is how far back duplicates are looked for. Left out, it is lateness + slack")
	}
	k.s3(join(path, "s3"), a.S3)
	k.fields(path, a)
}

// How AWS writes a role, and what it takes for the name of a session.
var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d+:role/\S+$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

func (k *checker) s3(path string, s S3) {
	if e := s.Endpoint; archive.HasLogin(e) {
		k.add(join(path, "endpoint"), "%v", archive.ErrLogin)
	} else if e != "" && !strings.HasPrefix(e, "http://") && !strings.HasPrefix(e, "https://") {
		k.add(join(path, "endpoint"), "%q is not an address such as https://s3.example.com", e)
	}
	if s.AssumeRole != "" && !roleARN.MatchString(s.AssumeRole) {
		k.add(join(path, "assume_role"), "%q is not the ARN of a role, as in arn:aws:iam::123456789012:role/replay", s.AssumeRole)
	}
	if s.SessionName != "" && !sessionName.MatchString(s.SessionName) {
		k.add(join(path, "session_name"), "%q is not 2 to 64 of a-z A-Z 0-9 _ + = , . @ -", s.SessionName)
	}
	for _, said := range []struct{ name, value string }{{"external_id", s.ExternalID}, {"session_name", s.SessionName}} {
		if said.value != "" && s.AssumeRole == "" {
			k.add(join(path, said.name), "is said to nobody: there is no assume_role; add that, or leave this out")
		}
	}
}

func (k *checker) fields(path string, a Archive) {
	for _, p := range a.EventID.Pointers() {
		k.pointer(join(path, "event_id"), p)
	}
	if a.EventTime != archive.None {
		k.pointer(join(path, "event_time"), a.EventTime)
	}
	k.pointer(join(path, "arrival"), a.Arrival)
	k.pointer(join(path, "key"), a.Key)
	for i, p := range a.Volatile {
		k.pointer(k.element(join(path, "volatile"), i), p)
	}
}

func (k *checker) pointer(path string, p archive.Pointer) {
	if err := (archive.Fields{Time: archive.None, Key: p}).Validate(); err != nil {
		k.add(path, "%v", err)
	}
}

// known are the names of the archives, as the rest of a sentence.
func (k *checker) known() string {
	if len(k.Archives) == 0 {
		return ": add it under archives"
	}
	return ": known are " + strings.Join(slices.Sorted(maps.Keys(k.Archives)), ", ")
}

func (k *checker) target(path, name string, t Target) {
	control := slices.ContainsFunc(controlTopics, func(s string) bool { return name == k.Kafka.ControlPrefix+"."+s })
	if !topicName.MatchString(name) || name == "." || name == ".." {
		k.add(path, "cannot be the name of a topic: want a-z A-Z 0-9 . _ -")
	}
	if control || strings.HasPrefix(name, "__") {
		k.add(path, "is one of the topics that Kafka or replayd keeps for itself: name another, such as replay.payments")
	}
	for _, archive := range slices.Sorted(maps.Keys(k.Archives)) {
		if slices.Contains(k.Archives[archive].SourceTopics, name) {
			k.add(path, "is a source topic of the archive %s: live producers write it, so it is never a target; name another, such as replay.%s", archive, name)
		}
	}
	for i, archive := range t.Archives {
		if _, ok := k.Archives[archive]; !ok {
			k.add(k.element(join(path, "archives"), i), "there is no archive %q%s", archive, k.known())
		}
	}
}

func (k *checker) limits() {
	l := k.Limits
	if l.Memory < MinMemory {
		k.add("limits.memory", "%v is below %v", l.Memory, Size(MinMemory))
	}
	if l.SpillDir == "" {
		k.add("limits.spill_dir", "want a folder for what does not fit into memory")
	}
	if l.SpillSize == 0 {
		k.add("limits.spill_size", "must be above 0: without room to spill, large windows fail")
	}
	if l.EventSize < minEventSize || l.EventSize > maxEventSize {
		k.add("limits.event_size", "%v is not within %v and %v", l.EventSize, Size(minEventSize), Size(maxEventSize))
	}
	if l.OpenObjects < 1 || l.OpenObjects > maxOpenObjects {
		k.add("limits.open_objects", "%d is not within 1 and %d", l.OpenObjects, maxOpenObjects)
	}
	if l.GiveUp == 0 {
		k.add("limits.give_up", "must be above 0: a broker that restarts takes some seconds")
	}
}

// element is the path of a list's element in the file; for a list from elsewhere it is the list's own.
func (k *checker) element(path string, i int) string {
	if _, overridden := k.source.environ[variable(path)]; overridden {
		return path
	}
	return fmt.Sprintf("%s[%d]", path, i)
}

// CheckBroker reports what is wrong with the address of a broker.
func CheckBroker(broker string) error {
	if strings.Contains(broker, "@") {
		return errors.New("the address of a broker holds neither user nor password: want host:port, and the login under kafka.sasl")
	}
	host, port, err := net.SplitHostPort(broker)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "/ ") {
		return fmt.Errorf("%q is not host:port, as in localhost:9092", broker)
	}
	return nil
}

func checkStore(address string, s S3) error {
	scheme, rest, found := strings.Cut(address, "://")
	switch {
	case archive.HasLogin(address):
		return archive.ErrLogin
	case address == "" || found && rest == "":
		return fmt.Errorf("%q names no place: want s3://bucket/prefix, file:///folder or a folder", address)
	case scheme == "s3" && found:
		return nil
	case found && scheme != "file":
		return fmt.Errorf("%q begins with neither s3:// nor file://", address)
	case s != (S3{}):
		return fmt.Errorf("%q is not on S3, but there are settings under s3", address)
	}
	if u, err := url.Parse(address); found && (err != nil || u.Host != "") {
		return fmt.Errorf("%q: want three slashes, file:///folder", address)
	}
	return nil
}
