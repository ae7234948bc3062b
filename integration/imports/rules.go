// Package imports holds the direction of imports inside replayd, and the test that the tree keeps it:
//
//	cmd -> everything
//	replay/metrics -> replay/manager -> replay/api -> replay
//	replay/api, replay/kafka -> replay -> replay/merge, replay/dedupe, replay/pace -> archive
//	replay/merge, replay/dedupe -> replay/shelf -> archive
//	archive/s3, archive/dir, archive/layout, archive/format -> archive
//	archive/s3, replay/kafka -> archive/awscreds, which signs for both -> nothing of ours
//	replay/consumer, which other teams import -> nothing of ours
//
// Adapters never import each other, nothing below cmd imports config, and the core (archive, replay and its pure
// packages) imports no client of Kafka, S3, HTTP, Prometheus or YAML, so that it is tested in memory and in fake time.
package imports

import (
	"fmt"
	"slices"
	"strings"
)

const module = "replayd"

// anything, as what a layer may import, is no limit.
const anything = "*"

// layers says what each layer of the tree may import of the others. A package belongs to the layer with the longest name
// that is its path or a parent of it, and may always import its own layer.
var layers = map[string][]string{
	"":            {}, // the module's root
	"cmd":         {anything},
	"integration": {anything},
	"deploy":      {}, // a module of its own, for tests

	"config":         {"replay", "replay/pace", "archive"},
	"replay/metrics": append([]string{"replay/manager", "replay/api"}, replayAndBelow...),
	"replay/manager": append([]string{"replay/api"}, replayAndBelow...),

	"replay/api":         replayAndBelow,
	"replay/api/apitest": append([]string{"replay/api"}, replayAndBelow...),
	"replay/kafka":       append([]string{"archive/awscreds"}, replayAndBelow...),
	"replay":             {"replay/merge", "replay/dedupe", "replay/pace", "replay/shelf", "archive"},

	"replay/merge":  {"replay/shelf", "archive"},
	"replay/dedupe": {"replay/shelf", "archive"},
	"replay/shelf":  {"archive"},
	"replay/pace":   {"archive"},

	"replay/consumer": {}, // other teams' programs import it

	"archive/awscreds":    {},
	"archive/s3":          {"archive", "archive/awscreds"},
	"archive/dir":         {"archive"},
	"archive/layout":      {"archive"},
	"archive/format":      {"archive"},
	"archive/archivetest": {"archive"},
	"archive":             {},
}

var replayAndBelow = []string{"replay", "replay/merge", "replay/dedupe", "replay/pace", "archive"}

// forTests may be imported by the test files of every layer: test equipment, and the pure readers of what it makes.
var forTests = []string{"replay/api/apitest", "archive/archivetest", "archive/format", "archive/layout", "integration/harness"}

// core layers are free of clients.
var core = []string{"archive", "replay", "replay/merge", "replay/dedupe", "replay/pace", "replay/shelf"}

// clients are the import paths, with all below them, that the core does without.
var clients = []string{
	"github.com/twmb/franz-go",
	"github.com/aws",
	"net/http",
	"github.com/prometheus",
	"github.com/goccy/go-yaml",
	"gopkg.in/yaml.v2",
	"gopkg.in/yaml.v3",
	"sigs.k8s.io/yaml",
}

// file is one source file: its package's path below the module, and what it imports.
type file struct {
	pkg     string
	test    bool
	imports []string
}

// violations returns a sentence for each import of f that goes the wrong way.
func violations(f file) []string {
	layer, known := layerOf(f.pkg)
	if !known {
		return []string{fmt.Sprintf("%s has no place in the layout: give it one in the rules", f.pkg)}
	}
	var wrong []string
	for _, path := range f.imports {
		if reason := forbidden(layer, f.test, path); reason != "" {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", f.pkg, path, reason))
		}
	}
	return wrong
}

// forbidden says why files of a layer must not import path; empty when they may.
func forbidden(layer string, test bool, path string) string {
	inside, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		if slices.Contains(core, layer) && slices.ContainsFunc(clients, func(c string) bool { return within(path, c) }) {
			return "the core knows no client of Kafka, S3, HTTP, Prometheus or YAML"
		}
		return ""
	}
	if test && slices.ContainsFunc(forTests, func(p string) bool { return within(inside, p) }) {
		return ""
	}
	target, _ := layerOf(inside)
	if allowed := layers[layer]; target == layer || slices.Contains(allowed, target) || slices.Contains(allowed, anything) {
		return ""
	}
	return fmt.Sprintf("%s does not point at %s", layerName(layer), layerName(target))
}

// layerOf returns the layer with the longest name that covers pkg. The root covers only itself.
func layerOf(pkg string) (layer string, known bool) {
	for name := range layers {
		if within(pkg, name) && len(name) >= len(layer) {
			layer, known = name, true
		}
	}
	return layer, known
}

func within(path, parent string) bool {
	return path == parent || parent != "" && strings.HasPrefix(path, parent+"/")
}

func layerName(layer string) string {
	if layer == "" {
		return "the root"
	}
	return layer
}
