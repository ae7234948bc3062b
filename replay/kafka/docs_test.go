package kafka

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/kafka/security"
)

// exactlyOnce is the text below a heading of docs/exactly-once.md, down to the next heading.
func exactlyOnce(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/exactly-once.md")
	if err != nil {
		t.Fatal(err)
	}
	_, found, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/exactly-once.md has no heading %q", heading)
	}
	if end := strings.Index(found, "\n#"); end >= 0 {
		found = found[:end]
	}
	return found
}

// cells are those of the tables in text, without their heads.
func cells(text string) [][]string {
	var list [][]string
	for _, m := range regexp.MustCompile(`(?m)^\|([^-].*)\|$`).FindAllStringSubmatch(text, -1) {
		row := strings.Split(m[1], "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		list = append(list, row)
	}
	return list[1:]
}

// jsonFields are the JSON names of a struct's fields, those that it embeds included. Every value has a version.
func jsonFields(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		f := of.Field(i)
		switch name, _, _ := strings.Cut(f.Tag.Get("json"), ","); {
		case f.Anonymous:
			names = append(names, jsonFields(f.Type)...)
		case name != "-" && name != "version":
			names = append(names, name)
		}
	}
	return names
}

func TestEveryFieldOfControlRecordsIsDocumented(t *testing.T) {
	t.Parallel()
	var have, told []string
	for record, of := range map[string]reflect.Type{
		"`spec/<id>/<hash>`":        reflect.TypeFor[stored](),
		"`started/<id>`":            reflect.TypeFor[started](),
		"`wish/<id>`":               reflect.TypeFor[replay.Wish](),
		"`pace/<id>`":               reflect.TypeFor[replay.PaceWish](),
		"`cancel/<id>`":             reflect.TypeFor[replay.Signed](),
		"`approved/<id>`":           reflect.TypeFor[replay.Signed](),
		"`choice/<id>/<name>`":      reflect.TypeFor[replay.Choice](),
		"`refused/<id>`":            reflect.TypeFor[replay.Refused](),
		"`forget/<id>/<hash>`":      reflect.TypeFor[forgetting](),
		"`trace/<id>/<hash>`":       reflect.TypeFor[trace](),
		"`<id>/barrier`":            reflect.TypeFor[barrier](),
		"`<id>/genesis`":            reflect.TypeFor[genesis](),
		"`<id>/checkpoint`":         reflect.TypeFor[replay.Checkpoint](),
		"`<id>/hour/<hour>`":        reflect.TypeFor[replay.HourRecord](),
		"`<id>/mark/<n>`":           reflect.TypeFor[mark](),
		"`<id>` in status":          reflect.TypeFor[status](),
		"`progress/<id>` in status": reflect.TypeFor[replay.Live](),

		"`<id>` in audit":   reflect.TypeFor[replay.Audited](),
		"`<id>/<position>`": reflect.TypeFor[quarantineValue](),
	} {
		for _, name := range jsonFields(of) {
			have = append(have, record+" "+name)
		}
	}
	record := ""
	var records, keys []string
	for _, row := range cells(exactlyOnce(t, "### Fields")) {
		if row[0] != "" {
			record = row[0]
			key, _, _ := strings.Cut(record, " in ")
			records = append(records, key)
		}
		told = append(told, record+" "+strings.Trim(row[1], "`"))
	}
	same(t, "fields", have, told)
	for _, row := range cells(exactlyOnce(t, "## Control topics")) {
		if len(row) == 3 && strings.Contains(row[0], "<id>") {
			keys = append(keys, row[0])
		}
	}
	same(t, "keys", records, keys)
}

func TestTheTimesInTheDocumentHold(t *testing.T) {
	t.Parallel()
	have := []string{
		"transaction timeout: " + length(transactionTimeout),
		"a transaction without an end: " + length(transactionWatch),
		"time for the first contact: " + length(firstContact),
		"first use of a cluster's transactions: " + length(firstProducerID),
		"age of cluster metadata: " + length(metadataMinAge) + " to " + length(metadataMaxAge),
		"pauses between tries: " + length(anyRetry) + " to " + length(longestPause) + ", with jitter",
		"between two looks of a daemon at the control topics: " + length(lookEvery),
		"a topic is missing, before it counts as deleted: " + length(deletedFor),
		"nothing is read, before a daemon is not ready: " + length(stale),
		"session timeout of a daemon: " + length(memberTimeout),
		"time to leave what is taken away: " + length(rebalanceTimeout),
		"a word of a daemon's session is tried: " + length(tellLimit),
		"giving up: `--give-up`, 1 h",
	}
	var told []string
	for _, row := range cells(exactlyOnce(t, "## Settings")) {
		told = append(told, row[0]+": "+row[1])
	}
	same(t, "times", have, told)
}

// length writes a length of time as the document does.
func length(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%g min", d.Minutes())
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

func TestTheControlTopicsAreMadeAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	var have, told []string
	kept := map[string]string{"compact": "compacted", "delete": "for ever"}
	groups := map[string]string{} // of the second table, by topic
	for _, topic := range ControlTopics("p") {
		name := strings.TrimPrefix(topic.Name, "p.")
		groups[name] = kept[topic.Settings["cleanup.policy"]]
		have = append(have, fmt.Sprintf("`%s` %d %s", name, topic.Partitions, groups[name]))
		for setting, value := range topic.Settings {
			have = append(have, fmt.Sprintf("%s `%s=%s`", name, setting, value))
		}
	}
	for _, row := range cells(exactlyOnce(t, "## Control topics")) {
		switch {
		case len(row) == 4: // of the first table
			told = append(told, row[0]+" "+row[1]+" "+row[3])
		case strings.Contains(row[1], "="):
			for name, group := range groups {
				all, but, _ := strings.Cut(row[0], ", but ")
				if (all == "all" || all == group || all == "`"+name+"`") && but != "`"+name+"`" {
					told = append(told, name+" "+row[1])
				}
			}
		}
	}
	same(t, "topics", have, told)
}

func same(t *testing.T, what string, program, document []string) {
	t.Helper()
	for _, word := range program {
		if !slices.Contains(document, word) {
			t.Errorf("%s: docs/exactly-once.md lacks %s", what, word)
		}
	}
	for _, word := range document {
		if !slices.Contains(program, word) {
			t.Errorf("%s: docs/exactly-once.md tells %s, which is not so", what, word)
		}
	}
	if len(program) == 0 {
		t.Errorf("no %s were found", what)
	}
}

// TestTheRefusalOfRightsIsPrintedAsTheDocumentShows compares the block of docs/security.md. … stands for the rest of a line.
func TestTheRefusalOfRightsIsPrintedAsTheDocumentShows(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```text\n(.*?)\n```$").FindAllStringSubmatch(string(page), -1)
	if len(shown) != 1 {
		t.Fatalf("docs/security.md has %d blocks of text", len(shown))
	}
	s, err := security.New(t.Context(), security.Options{SASL: security.SASL{
		Mechanism: "scram-sha-512", Username: "replayd", Password: security.SecretText(security.OptionPassword, "secret"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{options: Options{Brokers: []string{"kafka1.example.com:9093"}, Security: s}}
	f := c.refuseRights("replay.payments", Rights("replayd", "replay.payments")[:1], nil)
	printed := strings.Split("replayd: "+(&replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}).Error(), "\n")
	lines := strings.Split(shown[0][1], "\n")
	for i, line := range lines {
		begins, cut := strings.CutSuffix(line, "…")
		if i >= len(printed) || printed[i] != line && !(cut && strings.HasPrefix(printed[i], begins)) {
			t.Errorf("line %d is not printed: %s\n%s", i+1, line, strings.Join(printed, "\n"))
		}
	}
	if len(lines) != len(printed) {
		t.Errorf("%d lines are shown of %d", len(lines), len(printed))
	}
}
