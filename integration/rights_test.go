package integration

import (
	"fmt"
	"testing"

	"replayd/integration/harness"
	"replayd/replay/kafka"
)

// TestEachOfTheLeastRightsIsNeeded replays with all of them, and then with all but one: every one is missed.
func TestEachOfTheLeastRightsIsNeeded(t *testing.T) {
	k := harness.StartKafka(t, harness.KafkaOptions{Secure: true})
	const user, topic = "replayer", "replay.least"
	k.AddUser(user, "secret")
	login := []string{
		"tls: {ca_file: " + k.Secure().CAFile + "}",
		"sasl: {mechanism: scram-sha-512, username: " + user + ", password: secret}",
	}
	t.Run("when all topics are there", func(t *testing.T) {
		createTopic(t, k, topic)
		newSecured(t, k, k.Addr()).run(t, "--topic", topic).ended(t, 0) // the administrator's: makes the control topics
		st := newSecured(t, k, k.Secure().SASL, login...)
		flags := []string{"--topic", topic, "--allow", "overlap"}
		rights := kafka.Rights("replayd", topic)
		grant(k, user, rights)
		st.run(t, flags...).ended(t, 0)
		for _, r := range rights {
			k.Revoke(acl(user, r))
			if s := st.run(t, flags...).ended(t, 1, "AUTHORIZATION_FAILED"); t.Failed() {
				t.Fatalf("without %v:\n%s", r, s.err.String())
			}
			k.Grant(acl(user, r))
		}
	})
	for name, like := range map[string]string{"defaults": "", "the settings of another": "live"} {
		t.Run("when topics are created with "+name, func(t *testing.T) {
			if like != "" {
				createTopic(t, k, like)
			}
			for missing := range kafka.RightsToCreate("", "", like) {
				prefix, topic := fmt.Sprintf("of%s%d", like, missing), fmt.Sprintf("replay.%s%d", like, missing)
				st := newSecured(t, k, k.Secure().SASL, append(login, "control_prefix: "+prefix)...)
				flags := []string{"--topic", topic, "--create-topic"}
				if like != "" {
					flags = append(flags, "--like-topic", like)
				}
				grant(k, user, kafka.Rights(prefix, topic))
				toCreate := kafka.RightsToCreate(prefix, topic, like)
				for i, r := range toCreate {
					if i != missing {
						k.Grant(acl(user, r))
					}
				}
				if s := st.run(t, flags...).ended(t, 1, "AUTHORIZATION_FAILED"); t.Failed() {
					t.Fatalf("without %v:\n%s", toCreate[missing], s.err.String())
				}
				k.Grant(acl(user, toCreate[missing]))
				st.run(t, flags...).ended(t, 0)
				for _, r := range toCreate {
					k.Revoke(acl(user, r))
				}
			}
		})
	}
}
