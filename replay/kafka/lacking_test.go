package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
	"replayd/replay/kafka/security"
)

// as connects to a cluster of its own, whose user has these rights. With seeded, the control topics are there.
func as(t *testing.T, seeded bool, rights []Right) *Cluster {
	t.Helper()
	var acls []kfake.ACL
	for _, r := range rights {
		pattern := kmsg.ACLResourcePatternTypeLiteral
		if r.Prefixed {
			pattern = kmsg.ACLResourcePatternTypePrefixed
		}
		acls = append(acls, kfake.ACL{Resource: r.Resource, Name: r.Name, Pattern: pattern, Operation: r.Operation, Allow: true})
	}
	opts := []kfake.Opt{
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"), kfake.User("PLAIN", "user", "secret", acls...),
	}
	for _, topic := range ControlTopics("replayd") {
		if seeded {
			opts = append(opts, kfake.SeedTopics(topic.Partitions, topic.Name))
		}
	}
	f := fake(t, opts...)
	login := security.SASL{Mechanism: security.Plain, Username: "user", Password: security.SecretText(security.OptionPassword, "secret")}
	s, err := security.New(t.Context(), security.Options{SASL: login})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), Security: s, GiveUp: time.Minute, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// missing are the rights that preflight finds missing, for sure and perhaps.
func missing(t *testing.T, c *Cluster, topic string, s Settings) (missing, perhaps []string) {
	t.Helper()
	spec := testSpec("r")
	spec.Topic = topic
	findings, err := c.Preflight(t.Context(), spec, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Item == ItemRights {
			if !f.Refused || !f.Always {
				t.Errorf("it may pass: %+v", f)
			}
			missing, perhaps = words(f.Rights.Missing), words(f.Rights.Perhaps)
		}
	}
	return missing, perhaps
}

func words(list []ACL) []string {
	var texts []string
	for _, a := range list {
		texts = append(texts, fmt.Sprint(a.Operation, " ", a.Name, " ", a.Pattern))
	}
	return texts
}

func TestWhatIsMissingIsNamedAndNoMore(t *testing.T) {
	t.Parallel()
	all := Rights("replayd", "replay")
	for i, r := range all {
		c := as(t, true, slices.Concat(all[:i], all[i+1:]))
		want := words(ACLs("", []Right{r}))
		if got, perhaps := missing(t, c, "replay", Settings{}); !slices.Equal(got, want) || perhaps != nil {
			t.Errorf("without %v it names %q and perhaps %q", r, got, perhaps)
		}
		s := c.Sink(Settings{})
		_, err := s.Open(t.Context(), testSpec("r"))
		s.Close()
		var refusal *replay.Refusal
		if !errors.As(err, &refusal) || refusal.Item != ItemRights || !strings.Contains(err.Error(), r.String()) {
			t.Errorf("without %v: %v", r, err)
		}
	}
	if got, perhaps := missing(t, as(t, true, all), "replay", Settings{}); got != nil || perhaps != nil {
		t.Errorf("with all of them %q and %q are missing", got, perhaps)
	}
}

func TestRightsToCreateAreAskedForWhereSomethingIsToBeCreated(t *testing.T) {
	t.Parallel()
	const topic = "made"
	all := Rights("replayd", topic)
	toCreate := words(ACLs("", RightsToCreate("replayd", topic, "")))
	onCluster := Right{Operation: kmsg.ACLOperationCreate, Resource: kmsg.ACLResourceTypeCluster, Name: clusterName}
	for _, c := range []struct {
		name             string
		seeded           bool
		rights           []Right
		settings         Settings
		missing, perhaps []string
	}{
		{"no topic of replayd's, and none asked for", false, all, Settings{}, toCreate[:1], nil},
		{"none of all", false, all, Settings{Create: true}, toCreate, nil},
		{"the target", true, all, Settings{Create: true}, toCreate[1:], nil},
		{"a target that nobody asks to create", true, all, Settings{}, nil, nil},
		{"a target that is allowed to be missing", true, all, Settings{Allow: replay.Allowed{ItemTopicMissing}}, toCreate[1:], nil},
		{"a right to create whatever it is", false, append(slices.Clone(all), onCluster), Settings{Create: true}, toCreate[2:], nil},
		{"nothing is to be seen", true, nil, Settings{Create: true}, words(ACLs("", all)), toCreate},
		{"only the target is not to be seen", true, all[3:], Settings{Create: true}, words(ACLs("", all[:3])), toCreate[1:]},
	} {
		got, perhaps := missing(t, as(t, c.seeded, c.rights), topic, c.settings)
		if !slices.Equal(got, c.missing) || !slices.Equal(perhaps, c.perhaps) {
			t.Errorf("%s: it names\n%q, perhaps\n%q, want\n%q, perhaps\n%q", c.name, got, perhaps, c.missing, c.perhaps)
		}
	}
}

// TestPreflightTellsWhatElseIsWrong has no right to the audit topic, which hides nothing of the target.
func TestPreflightTellsWhatElseIsWrong(t *testing.T) {
	t.Parallel()
	all := Rights("replayd", "absent")
	rights := slices.DeleteFunc(all, func(r Right) bool { return r.Name == "replayd.audit" })
	spec := testSpec("r")
	spec.Topic = "absent"
	findings, err := as(t, true, rights).Preflight(t.Context(), spec, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for _, f := range findings {
		items = append(items, f.Item)
	}
	if !slices.Contains(items, ItemTopicMissing) || !slices.Contains(items, ItemRights) {
		t.Errorf("it finds %v", items)
	}
}

func TestRightsOfAWSAreNoCommands(t *testing.T) {
	t.Parallel()
	s, err := security.New(t.Context(), security.Options{TLS: security.TLS{On: true}, SASL: security.SASL{Mechanism: security.AWSMSKIAM}})
	if s == nil {
		t.Fatal(err)
	}
	c := &Cluster{options: Options{ControlPrefix: "replayd", Security: s}}
	f := c.refuseRights("replay", Rights("replayd", "replay")[:1], nil)
	if strings.Contains(f.Next, "kafka-acls") || !strings.Contains(f.Next, "WriteData") || !strings.Contains(f.What, "WRITE on TOPIC replay") {
		t.Errorf("%s\n%s", f.What, f.Next)
	}
}
