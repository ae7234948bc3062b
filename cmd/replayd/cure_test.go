package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cure is a mistake, what a person types instead, and where the message says so: all of its words must.
type cure struct{ wrong, right, says string }

// at is a run whose broker is not there: what is typed is in order when nothing but that is told.
const at = "--archive ./a --event-id /id --event-time /t --topic x --brokers 127.0.0.1:1 "

var mistyped = []cure{
	{"rum --id x --brokers 127.0.0.1:1", "run --id x --brokers 127.0.0.1:1", "run"},
	{"config chekc", "config check", "check"},
	{"run --frm 2026-11-01", "run --help", "run --help"},
	{"run --partitions many", "run --help", "run --help"},
	{"run " + at + "--from -3h --to -1h --create-topic 12", "run " + at + "--from -3h --to -1h --create-topic --partitions 12", "--create-topic --partitions 12"},
	{"run --brokers 127.0.0.1:1 payments-0300", "run --brokers 127.0.0.1:1 --id payments-0300", "--id payments-0300"},
	{"run --brokers 127.0.0.1:1", "run --brokers 127.0.0.1:1 --id X", "--id X"},
	{"ls --from -3h --to -1h", "ls --from -3h --to -1h --archive ./folder", "./folder"},
	{"run --archive ./a --event-id /id --event-time /t --brokers 127.0.0.1:1 --from -3h --to -1h", "run " + at + "--from -3h --to -1h --topic replay.events", "--topic replay.events"},
	{"run " + at + "--to now", "run " + at + "--to now --from 2026-11-01T12", "--from 2026-11-01T12"},
	{"run " + at + "--from 2026-11-01", "run " + at + "--from 2026-11-01 --for 4h", "--for 4h"},
	{"run " + at + "--from 2026-11-01 --to 2026-11-02 --for 1h", "run " + at + "--from 2026-11-01 --for 1h", "--to leave one of them out"},
	{"run " + at + "--from yesterday --to now", "run " + at + "--from 2026-11-01T12 --to now", "2026-11-01T12"},
	{"run " + at + "--from 2026-11-01 --to 2026-11-01", "run " + at + "--from 2026-11-01 --to 2026-11-02", "--to 2026-11-02"},
	{"run " + at + "--from 2026-11-02 --to 2026-11-01", "run " + at + "--from 2026-11-01 --to 2026-11-02", "is not before --to"},
	{"run " + at + "--from 2027-11-01 --for 1h", "run " + at + "--from 2026-11-01 --for 1h", "is not before now, 2026-11-21"},
	{"run " + at + "--from -3h --to -1h --zone Berlin", "run " + at + "--from -3h --to -1h --zone Europe/Berlin", "Europe/Berlin"},
	{"run " + at + "--from 2026-10-25T02:30 --for 1h --zone Europe/Berlin", "run " + at + "--from 2026-10-25T02:30:00+01:00 --for 1h --zone Europe/Berlin", "2026-10-25T02:30:00+01:00"},
	{"run " + at + "--from 2026-03-29T02:30 --for 1h --zone Europe/Berlin", "run " + at + "--from 2026-03-29T03:30:00+02:00 --for 1h --zone Europe/Berlin", "2026-03-29T03:30:00+02:00"},
	{"run --archive ./a --event-time /t --topic x --brokers 127.0.0.1:1 --from -3h --to -1h", "run " + at + "--from -3h --to -1h --event-id /event_id", "/event_id"},
	{"run --archive ./a --event-id /id --topic x --brokers 127.0.0.1:1 --from -3h --to -1h", "run " + at + "--from -3h --to -1h --event-time /timestamp", "/timestamp"},
	{"run " + at + "--from -3h --to -1h --event-id id", "run " + at + "--from -3h --to -1h --event-id /data/id", "/data/id"},
	{"run " + at + "--from -3h --to -1h --id a/b", "run " + at + "--from -3h --to -1h --id a-b", "dashes"},
	{"run --brokers 127.0.0.1:1 --id payments.q1", "run --brokers 127.0.0.1:1 --id payments-q1", "payments-q1"},
	{"ls --archive ./a -b nix.invalid --from -3h --to -1h", "ls --archive ./a -b localhost:9092 --from -3h --to -1h", "localhost:9092"},
	{"topics -o text", "topics -o text --topic replay.payments", "replay.payments"},
	{"topics --topic x --user replayd", "topics --topic x --user User:replayd", "User:replayd"},
	{"quarantine", "quarantine list x --brokers 127.0.0.1:1", "list the id of a replay"},
	{"quarantine list", "quarantine list x --brokers 127.0.0.1:1", "the id of one replay"},
	{"ls --archive payments --from -3h --to -1h", "ls --archive ./folder --from -3h --to -1h", "./folder"},
	{"ls --archive s3:// --from -3h --to -1h --aws-profile none", "ls --archive s3://bucket/prefix --from -3h --to -1h --layout jsonl --aws-profile none", "s3://bucket/prefix"},
}

// values are flags of a run with a value that it does not take, and one of those that the message names.
var values = []cure{
	{"--pace fast", "--pace 5000/s", "5000/s"},
	{"--pace 0/s", "--pace unlimited", "unlimited"},
	{"--preset kinesis", "--preset firehose", "firehose"},
	{"--layout daily", "--layout %Y/%m/%d/%H/", "%Y/%m/%d/%H/"},
	{"--format csv", "--format json-array", "json-array"},
	{"--dedupe no", "--dedupe off", "off"},
	{"--window-on ingest", "--window-on arrival", "arrival"},
	{"--record-time log", "--record-time original", "original"},
	{"--compression brotli", "--compression zstd", "zstd"},
	{"--headers all", "--headers source", "source"},
	{"--allow everything", "--allow durability", "durability"},
	{"--on-late keep", "--on-late quarantine", "quarantine"},
	{"--on-conflict keep", "--on-conflict drop", "drop"},
	{"--on-missing-id keep", "--on-missing-id stop", "stop"},
	{"--on-bad keep", "--on-bad stop", "stop"},
	{"--partitions 0", "--partitions 1", "at least 1"},
	{"--limit 0", "--limit 1", "at least 1"},
	{"--memory lots", "--memory 512MiB", "512MiB"},
	{"--memory 1MiB", "--memory 16MiB", "16MiB"},
	{"--lateness 5", "--lateness 15m", "15m"},
	{"--slack 1h,x", "--slack 1h,15m", "15m"},
	{"--horizon 0s", "--dedupe off", "--dedupe off"},
	{"--give-up never", "--give-up 2d", "2d"},
	{"--wait-broker 5", "--wait-broker 90s", "90s"},
	{"--max-gap 1", "--max-gap 1h", "1h"},
	{"--ramp 1", "--ramp 15m", "15m"},
	{"--max-bad 200%", "--max-bad 1%", "1%"},
	{"--output yaml", "--output json", "json"},
	{"--log-format xml", "--log-format console", "console"},
	{"--topic replay/x", "--topic replay-x", "dashes"},
}

// TestEachMistakeNamesWhatToTypeInstead types what is wrong, looks for the next step in what is told, and types that.
func TestEachMistakeNamesWhatToTypeInstead(t *testing.T) {
	t.Parallel()
	all := mistyped
	for _, c := range values {
		all = append(all, cure{"run " + at + "--from -3h --to -1h " + c.wrong, "run " + at + "--from -3h --to -1h --wait-broker 1s " + c.right, c.says})
	}
	for _, c := range all {
		t.Run(c.wrong, func(t *testing.T) {
			t.Parallel()
			nowhere(t).replayd(strings.Fields(c.wrong)...).want(exitUsage, strings.Fields(c.says)...)
			if strings.Contains(c.right, "--wait-broker 90s") {
				return // and it would
			}
			if r := nowhere(t).replayd(strings.Fields(c.right)...); r.code == exitUsage {
				t.Errorf("replayd %s\nis none either: %s", c.right, r.err.String())
			}
		})
	}
}

var misconfigured = []cure{
	{"kafka: {brokers: []}", "kafka: {brokers: ['localhost:9092']}", "localhost:9092"},
	{"kafka: {brokers: [x]}", "kafka: {brokers: ['localhost:9092']}", "localhost:9092"},
	{"kafka: {broker: ['localhost:9092']}", "kafka: {brokers: ['localhost:9092']}", "known here are brokers"},
	{"kafka: {control_prefix: 'a b'}", "kafka: {control_prefix: a-b}", "a-z A-Z 0-9 . _ -"},
	{"kafka: {tls: {cert_file: a}}", "kafka: {tls: {cert_file: main.go, key_file: main.go}}", "key_file"},
	{"kafka: {sasl: {mechanism: scram, username: u, password: p}}", "kafka: {sasl: {mechanism: scram-sha-512, username: u, password: p}}", "scram-sha-512"},
	{"kafka: {sasl: {mechanism: plain, username: u}}", "kafka: {sasl: {mechanism: plain, username: u, password_file: main.go}}", "password_file"},
	{"kafka: {sasl: {mechanism: plain, password: p}}", "kafka: {sasl: {mechanism: plain, username: u, password: p}}", "want a username"},
	{"kafka: {sasl: {mechanism: plain, username: u, password: p, password_file: f}}", "kafka: {sasl: {mechanism: plain, username: u, password_file: main.go}}", "only one of the two"},
	{"kafka: {sasl: {mechanism: plain, username: u, password: '${NOPE}'}}", "kafka: {sasl: {mechanism: plain, username: u, password: '${NOPE:-default}'}}", "${NOPE:-default}"},
	{"kafka: {sasl: {mechanism: aws-msk-iam}}", "kafka: {sasl: {mechanism: aws-msk-iam}, tls: {enabled: true}}", "enabled: true"},
	{"kafka: {sasl: {mechanism: oauthbearer}, tls: {enabled: true}}", "kafka: {sasl: {mechanism: oauthbearer, token_file: main.go}, tls: {enabled: true}}", "token_file"},
	{"kafka: {brokers: ['localhost:9092'", "kafka: {brokers: ['localhost:9092']}", "']' not found"},
	{"archives: {a/b: {url: ./a}}", "archives: {a-b: {url: ./a}}", "no slash"},
	{"archives: {a: {preset: pismo}}", "archives: {a: {preset: pismo, url: 's3://bucket/prefix'}}", "s3://bucket/prefix"},
	{"archives: {a: {url: 'gs://b'}}", "archives: {a: {url: 's3://b'}}", "s3://"},
	{"archives: {a: {url: ./a, preset: kinesis}}", "archives: {a: {url: ./a, preset: firehose}}", "firehose"},
	{"archives: {a: {url: ./a, settle: soon}}", "archives: {a: {url: ./a, settle: 15m}}", "15m"},
	{"archives: {a: {url: ./a, horizon: 0s}}", "archives: {a: {url: ./a}}", "Left out"},
	{"archives: {a: {url: ./a, source_topics: [a b]}}", "archives: {a: {url: ./a, source_topics: [a_b]}}", "a-z A-Z 0-9 . _ -"},
	{"archives: {a: {url: 's3://b', s3: {endpoint: b}}}", "archives: {a: {url: 's3://b', s3: {endpoint: 'https://s3.example.com'}}}", "https://s3.example.com"},
	{"archives: {a: {url: 's3://b', s3: {external_id: e}}}", "archives: {a: {url: 's3://b'}}", "leave this out"},
	{
		"archives: {a: {url: 's3://b', s3: {assume_role: r}}}",
		"archives: {a: {url: 's3://b', s3: {assume_role: 'arn:aws:iam::123456789012:role/replay'}}}", "arn:aws:iam::123456789012:role/replay",
	},
	{"targets: {a b: {}}", "targets: {a.b: {}}", "a-z A-Z 0-9 . _ -"},
	{"targets: {replayd.config: {}}", "targets: {replay.payments: {}}", "replay.payments"},
	{"archives: {a: {url: ./a, source_topics: [x]}}\ntargets: {x: {}}", "archives: {a: {url: ./a, source_topics: [x]}}\ntargets: {replay.x: {}}", "replay.x"},
	{"archives: {a: {url: ./a}}\ntargets: {x: {archives: [b]}}", "archives: {a: {url: ./a}}\ntargets: {x: {archives: [a]}}", "known are a"},
	{"targets: {x: {pace: fast}}", "targets: {x: {pace: 5000/s}}", "5000/s"},
	{"limits: {memory: 1KiB}", "limits: {memory: 64MiB}", "16MiB"},
	{"limits: {open_objects: 0}", "limits: {open_objects: 1}", "within 1"},
	{"limits: {give_up: 0s}", "limits: {give_up: 1s}", "above 0"},
	{"limits: {spill_dir: ''}", "limits: {spill_dir: ./a}", "want a folder"},
	{"limits: {memory: 1GiB}\nlimits: {give_up: 1h}", "limits: {memory: 1GiB, give_up: 1h}", "given twice"},
}

// TestEachBadConfigurationNamesWhatToWriteInstead is the same for files, where exit code 78 tells it from the rest.
func TestEachBadConfigurationNamesWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for _, c := range misconfigured {
		t.Run(c.wrong, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "replayd.yaml")
			check := func(text string) *result {
				if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				return nowhere(t).replayd("config", "check", "--config", path)
			}
			r := check(c.wrong).want(exitBadConfig)
			if told := r.out.String() + r.err.String(); !strings.Contains(told, c.says) || !strings.Contains(told, path+":") {
				t.Errorf("%s\ndoes not say %q:\n%s", c.wrong, c.says, told)
			}
			check(c.right).want(exitOK)
		})
	}
}
