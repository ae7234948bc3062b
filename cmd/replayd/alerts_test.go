package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"replayd/integration/harness"
)

// Where what others watch replayd by stands, from the root.
const (
	alertsFile    = "deploy/prometheus/alerts.yaml"
	dashboardFile = "deploy/grafana/replayd.json"
)

// alert is a rule of Prometheus.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string  `yaml:"name"`
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(read(t, alertsFile)), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 15 {
		t.Fatalf("%s holds %d alerts", alertsFile, len(all))
	}
	return all
}

func TestEachAlertSaysWhatItMeansAndWhereToReadOn(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range alerts(t) {
		if seen[a.Alert] || !strings.HasPrefix(a.Alert, "Replayd") {
			t.Errorf("%s: there are two, or it does not begin with Replayd", a.Alert)
		}
		seen[a.Alert] = true
		if !slices.Contains([]string{"page", "warn", "info"}, a.Labels["severity"]) {
			t.Errorf("%s has the severity %q", a.Alert, a.Labels["severity"])
		}
		if want := "docs/runbook.md#" + strings.ToLower(a.Alert); a.Annotations["runbook_url"] != want {
			t.Errorf("%s leads to %q, and not to %s", a.Alert, a.Annotations["runbook_url"], want)
		}
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s does not say what it means", a.Alert)
		}
	}
}

// metricNames are the words of a query that are names of metrics which a daemon has.
var metricNames = regexp.MustCompile(`\b(?:replayd|process|go)_[a-z0-9_]+`)

// TestAlertsAndDashboardAskForMetricsThatThereAre asks docs/metrics.md, which its own test holds against the program.
func TestAlertsAndDashboardAskForMetricsThatThereAre(t *testing.T) {
	page, n := read(t, "docs/metrics.md"), 0
	for file, text := range map[string]string{
		alertsFile: read(t, alertsFile), dashboardFile: read(t, dashboardFile), "deploy/prometheus/alerts_test.yaml": read(t, "deploy/prometheus/alerts_test.yaml"),
	} {
		for _, name := range metricNames.FindAllString(text, -1) {
			n++
			for _, part := range []string{"_bucket", "_count", "_sum"} { // of a histogram
				name = strings.TrimSuffix(name, part)
			}
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s asks for %s, which docs/metrics.md does not tell of", file, name)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d names were looked for", n)
	}
}

// panel is one of a dashboard, or a row of them.
type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ UID string }
	GridPos    struct{ X, Y, W, H int }
	Targets    []struct{ RefID, Expr string }
}

func TestTheDashboardIsOneThatGrafanaTakes(t *testing.T) {
	var dashboard struct {
		UID, Title    string
		SchemaVersion int
		Templating    struct{ List []struct{ Name string } }
		Panels        []panel
	}
	text := read(t, dashboardFile)
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || dashboard.Title == "" || dashboard.SchemaVersion == 0 || len(dashboard.Panels) < 20 {
		t.Errorf("it is %s, %q, of %d panels", dashboard.UID, dashboard.Title, len(dashboard.Panels))
	}
	ids, places := map[int]string{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if p.ID == 0 || p.Title == "" || ids[p.ID] != "" {
			t.Errorf("panel %q has the id %d, as %q has", p.Title, p.ID, ids[p.ID])
		}
		ids[p.ID] = p.Title
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if places[at] != "" || at[0] >= 24 {
					t.Errorf("%q stands on %q, or beside the page", p.Title, places[at])
				}
				places[at] = p.Title
			}
		}
		asks(t, p)
	}
	for _, v := range dashboard.Templating.List {
		if !strings.Contains(text, "$"+v.Name) && !strings.Contains(text, "${"+v.Name+"}") {
			t.Errorf("nothing uses the variable %s", v.Name)
		}
	}
}

func asks(t *testing.T, p panel) {
	t.Helper()
	if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
		t.Errorf("%q asks nothing, or one Prometheus alone: %q", p.Title, p.Datasource.UID)
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if refs[target.RefID] || strings.TrimSpace(target.Expr) == "" {
			t.Errorf("%q has %s twice, or asks nothing by it", p.Title, target.RefID)
		}
		refs[target.RefID] = true
	}
}

// TestAlertsFireWhenTheyShould has Prometheus check the rules and run their tests, and the queries of the dashboard as if they were
// rules.
func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool := harness.Promtool(t)
	queries := queriesOf(t)
	for _, args := range [][]string{
		{"check", "rules", "../../" + alertsFile}, {"test", "rules", "../../deploy/prometheus/alerts_test.yaml"}, {"check", "rules", queries},
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
	tests := read(t, "deploy/prometheus/alerts_test.yaml")
	for _, a := range alerts(t) {
		if !strings.Contains(tests, `{alertname="`+a.Alert+`"}`) {
			t.Errorf("no test has %s fire", a.Alert)
		}
	}
}

// queriesOf writes the queries of the dashboard into a file of rules.
func queriesOf(t *testing.T) (path string) {
	t.Helper()
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &dashboard); err != nil {
		t.Fatal(err)
	}
	type rule struct {
		Record string            `json:"record"`
		Expr   string            `json:"expr"`
		Labels map[string]string `json:"labels"`
	}
	var rules []rule
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			rules = append(rules, rule{"query", target.Expr, map[string]string{"panel": p.Title, "ref": target.RefID}})
		}
	}
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}}) // which is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
