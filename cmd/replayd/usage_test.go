package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// nowhere is a bench whose broker is not asked: what was typed wrong is said without it.
func nowhere(t *testing.T) *bench {
	return &bench{t: t, folder: t.TempDir(), now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
}

func TestMistakesInWhatIsTypedExit2AndSayWhatToType(t *testing.T) {
	t.Parallel()
	const archive = "--archive ./a --event-id /id --event-time /t --topic x "
	for _, c := range []struct {
		name, line string
		says       string // words on stderr, separated by |
	}{
		{"unknown command", "rum", `unknown command "rum"|Did you mean|run`},
		{"unknown command of config", "config chekc", "config chekc: check or show"},
		{"config of nothing", "config", "replayd: config: check or show"},
		{"unknown flag", "run --frm 2026-11-01", "unknown flag: --frm|See replayd run --help"},
		{"a flag without its value", "run --archive", "needs an argument: --archive|--help"},
		{"a number that is none", "run --partitions many", `replayd: --partitions "many": want a whole number|--help`},
		{"a number that is too large", "run --limit 99999999999999999999", `--limit "99999999999999999999": is too large`},
		{"a switch with a value that is none", "run --create-topic=maybe", `--create-topic "maybe": want true or false`},
		{"a value behind --create-topic", "run --create-topic 12", "did you mean --create-topic --partitions 12?"},
		{"an id without its flag", "run payments-0300", "did you mean --id payments-0300?"},
		{"a word for cat", "cat ./a b", "--flag value"},
		{"nothing at all", "run", "--archive|--from|--topic|--id X alone continues"},
		{"plan of nothing", "plan", "--archive|--from|--topic"},
		{"only a topic", "run --topic x", "--archive is missing|--from is missing"},
		{"no topic", "run --archive ./a --event-id /id --event-time /t --from -3h --to -1h", "--topic is missing"},
		{"all that is missing at once", "run --archive ./a", "--topic is missing|--from is missing|--event-id is missing|--event-time is missing"},
		{"no id", "cat --archive ./a --event-time /t --from -3h --to -1h", "--event-id is missing|/event_id|body|none"},
		{"no time", "cat --archive ./a --event-id /id --from -3h --to -1h", "--event-time is missing|/timestamp|none"},
		{"ls of nothing", "ls", "--archive is missing"},

		{"no end", "run " + archive + "--from 2026-11-01", "--to is missing|--for 4h"},
		{"two ends", "run " + archive + "--from 2026-11-01 --to 2026-11-02 --for 1h", "--to and --for exclude each other"},
		{"a time that is none", "run " + archive + "--from yesterday --to now", `"yesterday" is not a time|2026-11-01T12|-3h`},
		{"an empty day", "run " + archive + "--from 2026-11-01 --to 2026-11-01", "--to is exclusive, did you mean --to 2026-11-02?"},
		{"the last day of a month", "run " + archive + "--from 2026-10-31 --to 2026-10-31", "did you mean --to 2026-11-01?"},
		{"an empty window", "run " + archive + "--from 2026-11-01T12 --to 2026-11-01T12", "the window is empty|--to is exclusive"},
		{"a reversed window", "run " + archive + "--from 2026-11-02 --to 2026-11-01", "the window is empty|not before"},
		{"a window in the future", "run " + archive + "--from 2027-11-01 --for 1h", "in the future"},
		{"a length that is none", "run " + archive + "--from 2026-11-01 --for long", "--for|not a duration|90s"},
		{"a length below zero", "run " + archive + "--from 2026-11-01 --for=-4h", "--for"},

		{"a pace that is none", "run " + archive + "--from -3h --to -1h --pace fast", "--pace|5000/s|x1|unlimited"},
		{"a pace of nothing", "run " + archive + "--from -3h --to -1h --pace 0/s", "--pace"},
		{"unknown preset", "run " + archive + "--from -3h --to -1h --preset kinesis", `preset "kinesis" is not known: pismo, firehose`},
		{"unknown layout", "run " + archive + "--from -3h --to -1h --layout daily", `layout "daily" is not known: pismo, firehose|%Y/%m/%d`},
		{"unknown format", "run " + archive + "--from -3h --to -1h --format csv", `format "csv" is not known: json, jsonl`},
		{"unknown archive", "run --archive payments --topic x --from -3h --to -1h", `archive "payments" is not in the configuration|./folder, s3://bucket/prefix`},
		{"unknown kind of address", "cat --archive gs://bucket --event-id /id --event-time /t --from -3h --to -1h", "s3://bucket/prefix"},
		{"a pointer that is none", "run --archive ./a --topic x --event-id id --event-time /t --from -3h --to -1h", "begins with a slash"},
		{
			"unknown words, all at once", "run " + archive + "--from -3h --to -1h --dedupe no --window-on ingest --record-time log --compression brotli --headers all",
			"--dedupe \"no\": on or off|--window-on \"ingest\": event or arrival|--record-time \"log\": now or original|" +
				"--compression \"brotli\": snappy, none, lz4, zstd or gzip|--headers \"all\": reason, source or targets",
		},
		{"an unknown item allowed", "run " + archive + "--from -3h --to -1h --allow everything", `--allow "everything": topic-missing, compacted|overlap`},
		{"no partitions", "run " + archive + "--from -3h --to -1h --create-topic --partitions 0", "--partitions 0: at least 1"},
		{
			"units that are none", "run " + archive + "--from -3h --to -1h --memory lots --lateness 5 --slack 1h,x --give-up never --wait-broker 5 --max-gap 1 --ramp 1",
			"--memory|--lateness|--slack|--give-up|--wait-broker|--max-gap|--ramp",
		},
		{"a share that is none", "run " + archive + "--from -3h --to -1h --max-bad 200%", `--max-bad "200%": a share such as 1%`},
		{"a share that is no number", "run " + archive + "--from -3h --to -1h --max-bad nan", `--max-bad "nan": a share such as 1%`},
		{"a part of no number", "cat --archive ./a --event-id /id --event-time /t --from -3h --to -1h --max-bad NaN%", `--max-bad "NaN%": a share such as 1%`},
		{"values of an id that may be known", "run --id x --to tomorrow --for long --slack 1h,x --horizon 0s", `"tomorrow" is not a time|--to and --for|--for: "long"|--slack|--horizon 0s: must be above 0`},
		{"units of no archive", "run --from -3h --lateness 5 --slack 1h,x", "--archive is missing|--lateness|--slack"},
		{"a broker without its port", "ls --archive ./a -b nix.invalid", `replayd: --brokers: "nix.invalid" is not host:port`},
		{"an empty list of brokers", "ls --archive ./a --brokers=", "--brokers: want at least one"},
		{"a name that no topic has", "run --topic replay/x", `--topic: topic "replay/x": want letters, digits`},
		{"a topic called dots", "run --id x --like-topic ..", `--like-topic: topic "..": want`},
		{"an id with spaces", "run " + archive + "--from -3h --to -1h --id a/b", `id "a/b": want letters, digits`},
		{"an id that is too long", "run --id " + strings.Repeat("x", 129), "at most 128"},
		{"an id kept for repairs", "run --id payments.q1", "payments.q1|kept for repairs"},
		{"an unknown output", "ls --archive ./a -o yaml", `--output "yaml": text or json`},
		{"an unknown form of the log", "ls --archive ./a --log-format xml", `--log-format "xml": console or json`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := nowhere(t).replayd(strings.Fields(c.line)...)
			r.want(exitUsage, strings.Split(c.says, "|")...)
			if out := r.out.String(); out != "" {
				t.Errorf("stdout is for results: %q", out)
			}
		})
	}
}

func TestAMistakeIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"--slack 1h,2h,3h", "--lateness 5", "--horizon 5", "--dedupe no", "--from never", "--max-bad x", "--pace fast", "--layout daily"} {
		for _, id := range []string{"", " --id x"} {
			r := nowhere(t).replayd(strings.Fields("run --archive ./a --event-id /id --event-time /t --topic x --brokers 127.0.0.1:1 --from -3h --to -1h " + flags + id)...)
			if id == "" {
				r.want(exitUsage)
			}
			if n := strings.Count(r.err.String(), "\n"); n != 1 && r.code == exitUsage { // of an id, the broker is asked first for some
				t.Errorf("%s%s is told in %d lines:\n%s", flags, id, n, r.err.String())
			}
		}
	}
}

// The configuration is in order, so that nothing of it may be shown as the place of the mistake.
func TestAMistakeInBrokersIsNotLookedForInTheFile(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	path := b.config("kafka:\n  brokers: [localhost:9092]\n")
	r := b.replayd("config", "show", "--config", path, "-b", "nix.invalid,localhost:1,x:y")
	r.want(exitUsage, `--brokers: "nix.invalid" is not host:port`, `--brokers: "x:y"`)
	if text := r.err.String(); strings.Contains(text, path) || strings.Contains(text, "kafka.brokers") {
		t.Errorf("the file is blamed:\n%s", text)
	}
	r = b.replayd("config", "show", "--config", path, "-b", "kafka1:9092,kafka2:9092").want(exitOK)
	if !strings.Contains(r.out.String(), "kafka2:9092") {
		t.Errorf("config show does not show them:\n%s", r.out.String())
	}
}

func TestABadConfigurationExits78WithFileAndLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "replayd.yaml")
	text := "kafka:\n  broker: [x]\narchives:\n  a:\n    url: ./a\n    settle: soon\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run --id x", "plan --id x", "cat", "ls", "config show"} {
		r := nowhere(t).replayd(append(strings.Fields(command), "--config", path)...)
		r.want(exitBadConfig, path+":2", "broker", path+":6", "soon")
	}
	r := nowhere(t).replayd("config", "check", "--config", path).want(exitBadConfig)
	if out := r.out.String() + r.err.String(); !strings.Contains(out, path+":2") || !strings.Contains(out, path+":6") {
		t.Errorf("config check does not name both lines:\n%s", out)
	}
	nowhere(t).replayd("ls", "--archive", "./a", "--config", filepath.Join(t.TempDir(), "none.yaml")).want(exitBadConfig, "none.yaml")
}

func TestABrokerThatIsNotThereIsSaidWithinSeconds(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	began := time.Now()
	r := b.replayd(append([]string{"run", "--topic", "x", "--brokers", "127.0.0.1:1"}, b.what()...)...)
	r.want(exitFailed, "127.0.0.1:1", "connection refused", "Check --brokers", "--wait-broker")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestWaitBrokerWaitsForABrokerThatComes(t *testing.T) {
	t.Parallel()
	first := newBench(t)
	first.put("o", []byte(event("a", 1)))
	address := first.address()
	first.broker.Close()
	p := first.start(append([]string{"run", "--brokers", address, "--wait-broker", "1m", "--output", "json", "--topic", "x", "--create-topic"}, first.what()...)...)
	p.until("it to wait", func() bool { return strings.Contains(p.err.String(), "waiting for the broker") })
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(portOf(t, address)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	first.broker = broker
	p.end(30 * time.Second).want(exitOK)
	if n := p.receipt().Produced; n != 1 {
		t.Errorf("produced %d", n)
	}
}

func TestWaitBrokerEnds(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	r := b.replayd(append([]string{"run", "--topic", "x", "--brokers", "127.0.0.1:1", "--wait-broker", "1s"}, b.what()...)...)
	r.want(exitFailed, "waiting for the broker", "Check --brokers")
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAWindowOfTooManyHoursIsSaidBeforeTheyAreCounted(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	what := []string{"--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--format", "jsonl", "--from", "1971-01-01", "--to", "2026-11-01"}
	b.replayd(append([]string{"ls"}, what[:4]...)...).want(exitUsage, "--from and --to are missing")
	b.replayd("ls", "--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--from", "1971-01-01", "--to", "2026-11-01").want(exitUsage, "longer than 20 years")
	b.replayd(append([]string{"cat", "--event-id", "/id", "--event-time", "/t"}, what...)...).want(exitUsage, "longer than 20 years")
	what[len(what)-1] = "9999-12-31"
	b.replayd(append([]string{"cat", "--event-id", "/id", "--event-time", "/t"}, what...)...).want(exitUsage, "longer than 20 years")
}

// TestPresetsOfTheArchivesLayoutAreNamed leaves out what one of them says.
func TestPresetsOfTheArchivesLayoutAreNamed(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	b.put("main_stream/2026/11/01/12/x.gz", []byte(event("a", 1)))
	const names = "layout pismo: --preset pismo says where both stand"
	window := []string{"--archive", b.folder, "--from", "2026-11-01T12", "--for", "1h"}
	for _, command := range []string{"run", "plan", "cat"} {
		line := append([]string{command}, window...)
		b.replayd(line...).want(exitUsage, "--event-id is missing", "--event-time is missing", names)
		for _, more := range [][]string{{"--event-id", "/id", "--event-time", "/t"}, {"--preset", "jsonl"}, {"--layout", "jsonl"}} {
			if r := b.replayd(append(line, more...)...); strings.Contains(r.err.String(), names) {
				t.Errorf("with %v it says\n%s", more, r.err.String())
			}
		}
	}
}

func TestAnUnknownArchiveIsToldWithThoseThatAreKnown(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "replayd.yaml")
	if err := os.WriteFile(config, []byte("archives: {d4: {url: ./d}, b1: {url: ./b}, a3: {url: ./a}, c2: {url: ./c}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere(t).replayd("ls", "--config", config, "--archive", "e5", "--from", "-3h", "--to", "-1h").
		want(exitUsage, `archive "e5" is not in the configuration, which has a3, b1, c2, d4; a place has a slash`)
}
