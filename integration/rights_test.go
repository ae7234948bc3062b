package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
	"replayd/replay/kafka/security"
)

// administrator has a cluster with an authorizer, and Kafka's own tools, with which it does what replayd prints.
type administrator struct {
	kafka *harness.Kafka
	tools string
}

// TestEachRightIsNeededAndWhatIsPrintedGrantsIt replays as users who lack some: each is told before anything is produced or
// created which, and by which commands they are granted; once they are, the same replay completes.
func TestEachRightIsNeededAndWhatIsPrintedGrantsIt(t *testing.T) {
	t.Parallel()
	a := &administrator{harness.StartKafka(t, harness.KafkaOptions{Secure: true}), harness.KafkaTools(t, t.TempDir())}
	t.Run("the commands that topics prints are enough", a.commandsOfTopics)
	t.Run("each of the least is needed", a.eachIsNeeded)
	t.Run("each is needed that creates topics", a.eachIsNeededToCreate)
	t.Run("all at once, on topics that are there", a.allAtOnce)
	t.Run("all at once, on topics that are to be created", a.allAtOnceToCreate)
	t.Run("a replay that goes on needs less", a.lessToContinue)
	t.Run("each is needed that a daemon takes", a.eachIsNeededToServe)
	t.Run("a daemon replays with the least, and no other", a.leastIsEnoughToServe)
	t.Run("transactional ids that may be seen and not written", a.seenIDs)
	t.Run("the subject of a certificate", a.subject)
}

// user is who has no rights yet, with a control prefix of its own.
func (a *administrator) user(t *testing.T, name string) *secured {
	t.Helper()
	a.kafka.AddUser(name, "secret")
	return newSecured(t, a.kafka, a.kafka.Secure().SASL,
		"tls: {ca_file: "+a.kafka.Secure().CAFile+"}", "sasl: {mechanism: scram-sha-512, username: "+name+", password: secret}",
		"control_prefix: of."+name)
}

// topics lets the administrator itself replay under the user's prefix: all topics are there then.
func (a *administrator) topics(t *testing.T, user, topic string) {
	t.Helper()
	createTopic(t, a.kafka, topic)
	newSecured(t, a.kafka, a.kafka.Addr(), "control_prefix: of."+user).run(t, "--topic", topic).ended(t, 0)
}

// refused is a run that is refused for rights, and has changed nothing; plan says the same. It returns the commands.
func (a *administrator) refused(t *testing.T, st *secured, flags []string, missing ...string) []string {
	t.Helper()
	before := a.sizes(t)
	s := st.run(t, flags...).ended(t, 4, append(missing, "replayd: rights: the cluster does not allow ")...)
	if after := a.sizes(t); !maps.Equal(before, after) {
		t.Errorf("refused, and yet something was written:\nbefore %v\nafter  %v", before, after)
	}
	var commands []string
	for line := range strings.Lines(s.err.String()) {
		if strings.HasPrefix(line, "kafka-acls.sh ") {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	return commands
}

// planned are the rights that plan finds missing: for sure, and if topics that are hidden are not there.
func (a *administrator) planned(t *testing.T, st *secured, flags []string) (missing, toCreate []kafka.ACL) {
	t.Helper()
	before := a.sizes(t)
	s := st.start(t, append(append([]string{"plan"}, st.flags...), flags...)...)
	s.wait(t, time.Minute)
	if after := a.sizes(t); !maps.Equal(before, after) {
		t.Errorf("plan has written something:\nbefore %v\nafter  %v", before, after)
	}
	var p struct {
		Items []struct {
			Item     string
			Refused  bool
			Allowed  bool
			ACLs     []kafka.ACL `json:"acls"`
			ToCreate []kafka.ACL `json:"acls_to_create"`
		} `json:"preflight"`
	}
	if err := json.Unmarshal([]byte(s.out.String()), &p); err != nil {
		t.Fatalf("%v: %s%s", err, s.out.String(), s.err.String())
	}
	for _, item := range p.Items {
		if item.Item != kafka.ItemRights {
			continue
		}
		if !item.Refused || item.Allowed || s.cmd.ProcessState.ExitCode() != 4 {
			t.Errorf("plan lets it pass: %s", s.out.String())
		}
		missing, toCreate = item.ACLs, item.ToCreate
	}
	return missing, toCreate
}

// sizes are the ends of all partitions of all topics but Kafka's own.
func (a *administrator) sizes(t *testing.T) map[string]int64 {
	t.Helper()
	ends, err := kadm.NewClient(a.kafka.Client(t)).ListEndOffsets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) { sizes[fmt.Sprint(o.Topic, "/", o.Partition)] = o.Offset })
	return sizes
}

// types runs commands as they were printed, but at the listener at which the administrator needs no login.
func (a *administrator) types(t *testing.T, commands ...string) {
	t.Helper()
	text := strings.ReplaceAll(strings.Join(commands, "\n"), a.kafka.Secure().SASL, a.kafka.Addr())
	text = strings.ReplaceAll(text, a.kafka.Secure().MTLS, a.kafka.Addr())
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", text)
	shell.Env = append(os.Environ(), "PATH="+a.tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
}

// completes runs until the rights that were granted hold; the first try may be too early for the brokers.
func completes(t *testing.T, st *secured, flags []string) {
	t.Helper()
	await(t, "the replay to complete", func() bool { return st.run(t, flags...).wait(t, time.Minute) == 0 })
}

// eachIsNeeded takes one right away after the other, and types what grants it again.
func (a *administrator) eachIsNeeded(t *testing.T) {
	const user, topic = "least", "replay.least"
	a.topics(t, user, topic)
	st, flags := a.user(t, user), []string{"--topic", topic, "--allow", "overlap"}
	rights := kafka.Rights("of."+user, topic)
	grant(a.kafka, user, rights)
	st.run(t, flags...).ended(t, 0)
	for _, r := range rights {
		a.kafka.Revoke(acl(user, r))
		printed := a.refused(t, st, flags, "missing: "+r.String()+"\n")
		want := kafka.ACLs("User:"+user, []kafka.Right{r})
		if commands := kafka.GrantCommands(a.kafka.Secure().SASL, want); !slices.Equal(printed, commands) {
			t.Errorf("without %v it prints\n%q, want\n%q", r, printed, commands)
		}
		if r.Operation == kmsg.ACLOperationRead || r.Prefixed { // plan looks as run does: some will do
			if missing, toCreate := a.planned(t, st, flags); !slices.Equal(missing, want) || len(toCreate) > 0 {
				t.Errorf("without %v plan finds %v and %v missing", r, missing, toCreate)
			}
		}
		a.types(t, printed...)
		completes(t, st, flags)
	}
}

// eachIsNeededToCreate is eachIsNeeded where replayd makes the topics. What is printed is typed in allAtOnceToCreate.
func (a *administrator) eachIsNeededToCreate(t *testing.T) {
	for name, like := range map[string]string{"defaults": "", "the settings of another": "live"} {
		t.Run("with "+name, func(t *testing.T) {
			if like != "" {
				createTopic(t, a.kafka, like)
			}
			for i := range kafka.RightsToCreate("", "", like) {
				user, topic := fmt.Sprintf("maker%s%d", like, i), fmt.Sprintf("replay.%s%d", like, i)
				st, flags := a.user(t, user), []string{"--topic", topic, "--create-topic"}
				if like != "" {
					flags = append(flags, "--like-topic", like)
				}
				toCreate := kafka.RightsToCreate("of."+user, topic, like)
				lacks := toCreate[i]
				grant(a.kafka, user, slices.Concat(kafka.Rights("of."+user, topic), toCreate[:i], toCreate[i+1:]))
				a.refused(t, st, flags, lacks.String())
				a.kafka.Grant(acl(user, lacks))
				st.run(t, flags...).ended(t, 0)
			}
		})
	}
}

func (a *administrator) allAtOnce(t *testing.T) {
	const user, topic = "nobody", "replay.nobody"
	a.topics(t, user, topic)
	st, flags := a.user(t, user), []string{"--topic", topic, "--allow", "overlap"}
	missing, toCreate := a.planned(t, st, flags)
	if !sameACLs(missing, kafka.ACLs("User:"+user, kafka.Rights("of."+user, topic))) {
		t.Errorf("plan finds missing %v", missing)
	}
	if len(toCreate) != 1 { // of the control topics, which may be there or not
		t.Errorf("and if topics are not there %v", toCreate)
	}
	printed := a.refused(t, st, flags, "unless the topics are there already")
	a.types(t, printed[:len(printed)-1]...) // they are
	completes(t, st, flags)
}

func (a *administrator) allAtOnceToCreate(t *testing.T) {
	const user, topic = "founder", "replay.founder"
	st, flags := a.user(t, user), []string{"--topic", topic, "--create-topic"}
	missing, toCreate := a.planned(t, st, flags)
	if !sameACLs(missing, kafka.ACLs("User:"+user, kafka.Rights("of."+user, topic))) ||
		!sameACLs(toCreate, kafka.ACLs("User:"+user, kafka.RightsToCreate("of."+user, topic, ""))) {
		t.Errorf("plan finds missing %v, and if topics are not there %v", missing, toCreate)
	}
	var told struct{ ACLs []kafka.ACL }
	text := a.printed(t, st, "-o", "json", "--topic", topic, "--user", "User:"+user, "--may-create")
	if err := json.Unmarshal([]byte(text), &told); err != nil || !sameACLs(told.ACLs, slices.Concat(missing, toCreate, kafka.ACLs("User:"+user, kafka.RightsToLook("of."+user)))) {
		t.Errorf("topics prints other rights: %v, %s", err, text)
	}
	a.types(t, a.refused(t, st, flags)...)
	completes(t, st, flags)
}

func sameACLs(a, b []kafka.ACL) bool {
	byName := func(a, b kafka.ACL) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), byName), slices.SortedFunc(slices.Values(b), byName))
}

// lessToContinue takes away what only a beginning takes, up to the first data, and then what every session does.
func (a *administrator) lessToContinue(t *testing.T) {
	const user, topic = "later", "replay.later"
	a.topics(t, user, topic)
	st := a.user(t, user)
	folder := st.flags[slices.Index(st.flags, "--archive")+1]
	write(t, filepath.Join(folder, "n"), `{"id":"n","t":"2026-11-01T00:00:00Z"}`) // is produced before it stops
	write(t, filepath.Join(folder, "p"), "{broken")
	grant(a.kafka, user, kafka.Rights("of."+user, topic))
	st.run(t, "--topic", topic, "--allow", "overlap", "--id", "later", "--on-bad", "stop").ended(t, 1, "Continue with")
	for _, r := range []kafka.Right{
		{Operation: kmsg.ACLOperationRead, Resource: kmsg.ACLResourceTypeTopic, Name: topic},
		{Operation: kmsg.ACLOperationWrite, Resource: kmsg.ACLResourceTypeTopic, Name: "of." + user + ".config"},
	} {
		a.kafka.Revoke(acl(user, r))
	}
	alone := &secured{st.stage, st.flags[:4]} // -c and -o
	writes := kafka.Right{Operation: kmsg.ACLOperationWrite, Resource: kmsg.ACLResourceTypeTopic, Name: topic}
	a.kafka.Revoke(acl(user, writes))
	a.refused(t, alone, []string{"--id", "later"}, writes.String()+"\n")
	reads := kafka.Right{Operation: kmsg.ACLOperationRead, Resource: kmsg.ACLResourceTypeTopic, Name: "of." + user + ".config"}
	a.kafka.Revoke(acl(user, reads))
	a.refused(t, alone, []string{"--id", "later"}, reads.String()) // without it nobody knows the topic of the replay
	grant(a.kafka, user, []kafka.Right{writes, reads})
	alone.run(t, "--id", "later", "--quarantine-ok").ended(t, 0)
}

// eachIsNeededToServe follows and shares as a daemon with the rights to replay and to serve, and without each of the latter.
func (a *administrator) eachIsNeededToServe(t *testing.T) {
	const user, topic = "server", "replay.server"
	a.topics(t, user, topic)
	a.workTopic(t, user)
	a.kafka.AddUser(user, "secret")
	login := security.SASL{Mechanism: "scram-sha-512", Username: user, Password: security.SecretText(security.OptionPassword, "secret")}
	s, err := security.New(t.Context(), security.Options{TLS: security.TLS{On: true, CAFile: a.kafka.Secure().CAFile}, SASL: login})
	if err != nil {
		t.Fatal(err)
	}
	c, err := kafka.Connect(t.Context(), kafka.Options{Brokers: []string{a.kafka.Secure().SASL}, ControlPrefix: "of." + user, Security: s, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	rights := kafka.RightsToServe("of." + user)
	grant(a.kafka, user, slices.Concat(kafka.Rights("of."+user, topic), kafka.RightsToLook("of."+user), rights))
	a.serves(t, c)
	for _, r := range rights {
		a.kafka.Revoke(acl(user, r))
		var refusal error
		await(t, "the daemon to be refused", func() bool {
			w, err := c.Share(t.Context(), func(func(string) bool) {})
			if refusal = err; err == nil {
				_ = w.Close(t.Context())
			}
			return err != nil
		})
		if commands := kafka.GrantCommands(a.kafka.Secure().SASL, kafka.ACLs("User:"+user, []kafka.Right{r})); !strings.Contains(refusal.Error(), "missing: "+r.String()+"\n") || !strings.Contains(refusal.Error(), commands[0]) {
			t.Errorf("without %v it is refused so: %v", r, refusal)
		}
		a.types(t, kafka.GrantCommands(a.kafka.Secure().SASL, kafka.ACLs("User:"+user, []kafka.Right{r}))...)
	}
	a.serves(t, c)
}

// workTopic lets the administrator be a daemon under the user's prefix for a moment: its topic is there then.
func (a *administrator) workTopic(t *testing.T, user string) {
	t.Helper()
	first, err := connected(t, a.kafka, kafka.Options{ControlPrefix: "of." + user}).Share(t.Context(), func(func(string) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// leastIsEnoughToServe has the program serve as a user with the rights of docs/security.md, without those to look.
func (a *administrator) leastIsEnoughToServe(t *testing.T) {
	const user, topic = "butler", "replay.butler"
	a.topics(t, user, topic)
	a.workTopic(t, user)
	a.kafka.AddUser(user, "secret")
	grant(a.kafka, user, slices.Concat(kafka.Rights("of."+user, topic), kafka.RightsToServe("of."+user)))
	st := &stage{kafka: a.kafka, config: filepath.Join(t.TempDir(), "replayd.yaml")}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "o"), `{"id":"a","t":"2026-11-01T12:00:00Z"}`)
	write(t, st.config, fmt.Sprintf("kafka: {brokers: %q, control_prefix: of.%s, tls: {ca_file: %q}, sasl: {mechanism: scram-sha-512, username: %s, password: secret}}\n"+
		"archives:\n  test: {url: %q, layout: jsonl, format: json, event_id: /id, event_time: /t}\ntargets: {%s: {}}\n",
		a.kafka.Secure().SASL, user, a.kafka.Secure().CAFile, user, folder, topic))
	d := st.daemon(t)
	_, _, err := d.Start(t.Context(), api.Start{ID: user, Archive: "test", From: "2026-11-01", For: "24h", Topic: topic, Allow: []string{"overlap"}})
	if err != nil {
		t.Fatal(err)
	}
	d.until(t, user, "its end", func(r api.Replay) bool { return r.State == replay.Completed })
	if receipt, err := d.Receipt(t.Context(), user); err != nil || receipt.Produced != 1 {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	if acts, err := d.Audit(t.Context(), api.AuditQuery{ID: user}); err != nil || len(acts.Items) == 0 {
		t.Errorf("acts %+v, %v", acts, err)
	}
}

// serves waits until a daemon can do its work.
func (a *administrator) serves(t *testing.T, c *kafka.Cluster) {
	t.Helper()
	await(t, "the daemon to serve", func() bool {
		w, err := c.Share(t.Context(), func(func(string) bool) {})
		if err != nil {
			return false
		}
		await(t, "the group to be joined", func() bool { return w.Ready() == nil })
		return w.Close(t.Context()) == nil
	})
	v, err := c.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	await(t, "all to be read", func() bool { return v.Ready() == nil })
	if err := v.Audit(t.Context(), replay.Audited{Act: "start", Phase: "intent"}); err != nil {
		t.Error(err)
	}
	if acts, _, err := v.Audited(t.Context(), "", 0, 10); err != nil || len(acts) == 0 {
		t.Errorf("acts %v, %v", acts, err)
	}
	if err := v.Tell(t.Context(), replay.Live{Report: replay.Report{ID: "r", State: replay.Running}}); err != nil {
		t.Error(err)
	}
}

// seenIDs is what no question tells: only the transaction that is tried does, and plan does not try one.
func (a *administrator) seenIDs(t *testing.T) {
	const user, topic = "watcher", "replay.watcher"
	a.topics(t, user, topic)
	st, flags := a.user(t, user), []string{"--topic", topic, "--allow", "overlap"}
	rights := kafka.Rights("of."+user, topic)
	i := slices.IndexFunc(rights, func(r kafka.Right) bool { return r.Resource == kmsg.ACLResourceTypeTransactionalId })
	writes, sees := rights[i], rights[i]
	sees.Operation = kmsg.ACLOperationDescribe
	grant(a.kafka, user, append(slices.Delete(slices.Clone(rights), i, i+1), sees))
	if missing, _ := a.planned(t, st, flags); len(missing) > 0 {
		t.Errorf("plan finds missing %v", missing)
	}
	a.refused(t, st, flags, writes.String())
	a.kafka.Grant(acl(user, writes))
	st.run(t, flags...).ended(t, 0)
}

// subject is a user by a certificate whose name the brokers take from its CN: the note says that they may.
func (a *administrator) subject(t *testing.T) {
	cert, key := a.kafka.Secure().Certificate(t, "certified")
	st := newSecured(t, a.kafka, a.kafka.Secure().MTLS, fmt.Sprintf("tls: {ca_file: %q, cert_file: %q, key_file: %q}", a.kafka.Secure().CAFile, cert, key))
	a.refused(t, st, []string{"--topic", "x"}, "does not allow User:CN=certified", "ssl.principal.mapping.rules")
}
