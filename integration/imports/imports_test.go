package imports

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// root is the module's root, seen from this package.
const root = "../.."

func TestImportsPointTheWayOfTheDesign(t *testing.T) {
	files := sources(t, os.DirFS(root))
	if len(files) < 20 {
		t.Fatalf("only %d source files found: is %s still the root?", len(files), root)
	}
	for name, f := range files {
		for _, wrong := range violations(f) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}

func TestWrongArrowsAreFound(t *testing.T) {
	tests := []struct {
		name    string
		pkg     string
		path    string
		test    bool
		allowed bool
	}{
		{"cmd wires everything", "cmd/replayd", "replayd/replay/kafka", false, true},
		{"cmd reads the config", "cmd/replayd", "replayd/config", false, true},
		{"kafka below the engine", "replay", "replayd/replay/kafka", false, false},
		{"engine above kafka", "replay/kafka", "replayd/replay", false, true},
		{"past one layer", "replay/api", "replayd/archive", false, true},
		{"api beside kafka", "replay/api", "replayd/replay/kafka", false, false},
		{"merge below the engine", "replay", "replayd/replay/merge", false, true},
		{"merge above the engine", "replay/merge", "replayd/replay", false, false},
		{"merge beside dedupe", "replay/merge", "replayd/replay/dedupe", false, false},
		{"package inside pace", "replay/pace", "replayd/replay/pace/quantity", false, true},
		{"package inside pace, from config", "config", "replayd/replay/pace/quantity", false, true},
		{"archive above its stores", "archive", "replayd/archive/dir", false, false},
		{"adapter beside adapter", "archive/s3", "replayd/archive/dir", false, false},
		{"format beside layout", "archive/format", "replayd/archive/layout", false, false},
		{"config below cmd", "replay/kafka", "replayd/config", false, false},
		{"config from the core", "replay", "replayd/config", false, false},
		{"kafka from config", "config", "replayd/replay/kafka", false, false},
		{"harness in product code", "replay/kafka", "replayd/integration/harness", false, false},
		{"harness in a test", "replay/kafka", "replayd/integration/harness", true, true},
		{"conformance suite in a test", "archive/s3", "replayd/archive/archivetest", true, true},
		{"conformance suite in product code", "archive/s3", "replayd/archive/archivetest", false, false},
		{"suite of the API in a test", "replay/manager", "replayd/replay/api/apitest", true, true},
		{"suite of the API in product code", "replay/api", "replayd/replay/api/apitest", false, false},
		{"adapter in a test of another", "archive/s3", "replayd/archive/dir", true, false},
		{"engine from what consumers import", "replay/consumer", "replayd/replay", false, false},
		{"adapter from what consumers import", "replay/consumer", "replayd/replay/kafka", false, false},
		{"Kafka client in what consumers import", "replay/consumer", "github.com/twmb/franz-go/pkg/kgo", false, true},
		{"what consumers import, from the engine", "replay", "replayd/replay/consumer", false, false},
		{"Kafka client in the core", "replay", "github.com/twmb/franz-go/pkg/kgo", false, false},
		{"Kafka client in a test of the core", "replay/merge", "github.com/twmb/franz-go/pkg/kfake", true, false},
		{"Kafka client in its adapter", "replay/kafka", "github.com/twmb/franz-go/pkg/kgo", false, true},
		{"AWS SDK in the core", "archive", "github.com/aws/aws-sdk-go-v2/aws", false, false},
		{"HTTP in the core", "replay/pace", "net/http", false, false},
		{"HTTP test server in the core", "replay", "net/http/httptest", true, false},
		{"Prometheus in the core", "replay", "github.com/prometheus/client_golang/prometheus", false, false},
		{"Prometheus where it is told", "replay/metrics", "github.com/prometheus/client_golang/prometheus", false, true},
		{"metrics above the manager", "replay/metrics", "replayd/replay/manager", false, true},
		{"metrics below the manager", "replay/manager", "replayd/replay/metrics", false, false},
		{"metrics beside kafka", "replay/metrics", "replayd/replay/kafka", false, false},
		{"YAML in the core", "replay", "github.com/goccy/go-yaml", false, false},
		{"YAML in the config", "config", "github.com/goccy/go-yaml", false, true},
		{"hash in the core", "archive", "github.com/zeebo/xxh3", false, true},
		{"package that nobody placed", "util", "strings", false, false},
		{"product from the root", "", "replayd/replay", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wrong := violations(file{pkg: test.pkg, test: test.test, imports: []string{test.path}})
			if allowed := len(wrong) == 0; allowed != test.allowed {
				t.Errorf("%s -> %s: allowed is %v: %q", test.pkg, test.path, allowed, wrong)
			}
		})
	}
}

// sources parses the imports of every Go file, whatever its build constraints.
func sources(t *testing.T, tree fs.FS) map[string]file {
	t.Helper()
	files := map[string]file{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if !entry.IsDir() && path.Ext(name) == ".go" {
			files[name] = source(t, tree, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func source(t *testing.T, tree fs.FS, name string) file {
	t.Helper()
	code, err := fs.ReadFile(tree, name)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, code, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	f := file{pkg: strings.TrimPrefix(path.Dir(name), "."), test: strings.HasSuffix(name, "_test.go")}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		f.imports = append(f.imports, imported)
	}
	return f
}
