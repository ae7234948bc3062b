package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"replayd/config"
	"replayd/integration/harness"
	"replayd/replay/api"
)

// graceful is how long a daemon may take to stop: its sessions and its requests have 10 s, and the other daemons are told.
const graceful = 10*time.Second + 10*time.Second + parting

// unit are the settings of replayd.service, the last of each.
func unit(t *testing.T) map[string]string {
	t.Helper()
	settings := map[string]string{}
	for line := range strings.Lines(read(t, "deploy/systemd/replayd.service")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			settings[key] = value
		}
	}
	return settings
}

func TestTheUnitOfSystemd(t *testing.T) {
	is := unit(t)
	for key, want := range map[string]string{
		"Type": "notify", "DynamicUser": "yes", "PrivateTmp": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "NoNewPrivileges": "yes",
		"CapabilityBoundingSet": "", "RestartPreventExitStatus": fmt.Sprintf("%d %d", exitUsage, exitBadConfig), "SuccessExitStatus": strconv.Itoa(exitInterrupted),
	} {
		if got, set := is[key]; got != want || !set {
			t.Errorf("%s is %q, and not %q", key, got, want)
		}
	}
	stop, err := strconv.Atoi(is["TimeoutStopSec"])
	if err != nil || time.Duration(stop)*time.Second < graceful {
		t.Errorf("it is killed after %q, and may take %s to stop", is["TimeoutStopSec"], graceful)
	}
	if spill := config.Default().Limits.SpillDir; !strings.HasPrefix(spill, "/var/tmp/") {
		t.Errorf("what is spilled to %s is not in its temporary folder", spill)
	}
	words := strings.Fields(is["ExecStart"])
	if words[0] != "/usr/bin/replayd" || words[1] != "serve" {
		t.Fatalf("it runs %q", words)
	}
	if c, _, err := programRoot().Find(words[1:2]); err != nil || c.ParseFlags(words[2:]) != nil {
		t.Errorf("%q are no flags of serve: %v", words[2:], err)
	}
}

// TestSystemdTakesTheUnit has systemd check it, and how much it is exposed, without running it.
func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	analyze := harness.SystemdAnalyze(t)
	path := filepath.Join(t.TempDir(), "replayd.service")
	drop := path + ".d"
	if err := os.Mkdir(drop, 0o700); err != nil {
		t.Fatal(err)
	}
	for to, text := range map[string]string{
		path:                                    strings.ReplaceAll(read(t, "deploy/systemd/replayd.service"), "/usr/bin/replayd", "/bin/true"), // it looks for the program
		filepath.Join(drop, "credentials.conf"): read(t, "deploy/systemd/replayd.service.d/credentials.conf"),
	} {
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"verify", "--man=no"}, {"security", "--offline=true", "--threshold=20", "--no-pager"}} {
		out, err := exec.CommandContext(t.Context(), analyze, append(args, path)...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %q: %v\n%s", args, err, out)
		}
	}
}

// manifests are those of a kind, in the files of deploy/kubernetes.
func manifests(t *testing.T, file, kind string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for _, part := range strings.Split(read(t, "deploy/kubernetes/"+file), "\n---\n") {
		var m map[string]any
		if err := yaml.Unmarshal([]byte(part), &m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if m["kind"] == kind {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s", file, kind)
	}
	return found
}

// pod is what the tests look at of one.
type pod struct {
	Grace      int `yaml:"terminationGracePeriodSeconds"`
	Containers []struct {
		Args, Command []string
		Env           []struct{ Name, Value string }
		VolumeMounts  []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name     string
		EmptyDir struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
}

// inside is the value at a path of a manifest, as to.
func inside[T any](t *testing.T, m any, path ...string) (to T) {
	t.Helper()
	for _, name := range path {
		m = m.(map[string]any)[name]
	}
	text, err := yaml.Marshal(m)
	if err == nil {
		err = yaml.Unmarshal(text, &to)
	}
	if err != nil {
		t.Fatal(path, err)
	}
	return to
}

// TestTheManifestsRun makes the files of the secrets as docs/deploy.md says, and runs a daemon with what the manifests say: the
// configuration, what is typed by kubectl exec, and the hourly job, twice.
func TestTheManifestsRun(t *testing.T) {
	t.Parallel()
	harness.Installed(t, "openssl", "openssl")
	harness.Installed(t, "curl", "curl")
	b := newBench(t)
	b.topic("replay.payments")
	bin, folder := program(t), t.TempDir()
	for _, block := range fences(read(t, "docs/deploy.md"), "sh") {
		if out, code := shell(t, bin, folder, "set -e\n"+block); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, out)
		}
	}
	deployment := inside[pod](t, manifests(t, "replayd.yaml", "Deployment")[0], "spec", "template", "spec")
	job := inside[pod](t, manifests(t, "cronjob.yaml", "CronJob")[0], "spec", "jobTemplate", "spec", "template", "spec")
	if grace := time.Duration(deployment.Grace) * time.Second; grace < graceful {
		t.Errorf("a pod is killed after %s, and may take %s to stop", grace, graceful)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	here := strings.NewReplacer(
		"kafka.kafka.svc:9092", b.address(), "s3://archive/payments/", b.folder+"/", "0.0.0.0:8484", "0.0.0.0:"+port, "localhost:8484", "localhost:"+port,
		"replayd:8484", "localhost:"+port, "/run/secrets/tls", folder, "/run/secrets/tokens", folder, "/run/secrets/operator/token", folder+"/operator.token",
		"/run/secrets/ca/ca.crt", folder+"/ca.crt", "/run/secrets/ca", folder, "/run/secrets/hourly/header", folder+"/hourly.header",
		"/var/tmp/replayd", filepath.Join(folder, "spill"), "s3: {region: sa-east-1}", "settle: 15m",
	)
	configured := filepath.Join(folder, "replayd.yaml")
	text := inside[map[string]string](t, manifests(t, "replayd.yaml", "ConfigMap")[0], "data")["replayd.yaml"]
	if err := os.WriteFile(configured, []byte(here.Replace(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.replayd("config", "check", "--config", configured).want(exitOK)
	spills(t, text, &deployment)

	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "REPLAYD_CONFIG=" + configured}
	for _, v := range deployment.Containers[0].Env {
		env = append(env, v.Name+"="+here.Replace(v.Value))
	}
	typed := func(name string, args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), name, args...)
		c.Env = env
		out, err := c.CombinedOutput()
		return string(out), err
	}
	replayd := filepath.Join(bin, "replayd")
	serve := exec.CommandContext(t.Context(), replayd, deployment.Containers[0].Args...)
	var log strings.Builder
	serve.Env, serve.Stderr = env, &log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = serve.Process.Signal(os.Interrupt)
		if err := serve.Wait(); err != nil || t.Failed() {
			t.Errorf("the daemon ended with %v:\n%s", err, log.String())
		}
	}()
	var said string
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("said last:", said)
		}
	})
	until(t, "kubectl exec to be answered", func() bool {
		said, err = typed(replayd, "list")
		return err == nil
	})
	if !strings.Contains(said, "no replay") {
		t.Errorf("replayd list says %s", said)
	}

	for _, v := range job.Containers[0].Env {
		env = append(env, v.Name+"="+here.Replace(v.Value))
	}
	scheduled := time.Date(2026, 11, 1, 10, 20, 0, 0, time.UTC)
	env = append(env, fmt.Sprintf("JOB=synapse-%d", scheduled.Unix()/60))
	command := slices.Concat(job.Containers[0].Command, job.Containers[0].Args)
	var first, again api.Replay
	for _, r := range []*api.Replay{&first, &again} {
		until(t, "the daemon to take the job", func() bool { // until all is read, acts are refused with 503
			said, err = typed(command[0], command[1:]...)
			return err == nil
		})
		if err := json.Unmarshal([]byte(said), r); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	if first.ID != "synapse-2026-11-01T09" || again.ID != first.ID || !again.StartedAt.Equal(first.StartedAt) || first.StartedBy != "hourly" ||
		!first.From.Equal(scheduled.Truncate(time.Hour).Add(-time.Hour)) || !first.To.Equal(scheduled.Truncate(time.Hour)) {
		t.Errorf("the job started %+v, and then %+v", first, again)
	}
	if said, err = typed(replayd, "list", "-o", "json"); err != nil || strings.Count(said, `"owner":`) != 1 {
		t.Errorf("known are: %s, %v", said, err)
	}
}

// spills holds the volume for spilling against what may be spilled.
func spills(t *testing.T, configuration string, p *pod) {
	t.Helper()
	m := regexp.MustCompile(`spill_size: (\d+)GiB`).FindStringSubmatch(configuration)
	for _, v := range p.Volumes {
		if v.Name != "spill" {
			continue
		}
		may, _ := strconv.Atoi(m[1])
		has, err := strconv.Atoi(strings.TrimSuffix(v.EmptyDir.SizeLimit, "Gi"))
		if err != nil || has <= may {
			t.Errorf("%d GiB may be spilled into %s", may, v.EmptyDir.SizeLimit)
		}
		return
	}
	t.Error("there is no volume for what is spilled")
}
