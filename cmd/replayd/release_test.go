package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Releases come from three places. What a user has must not depend on which.
func TestReleasesAreBuiltTheSameWayEverywhere(t *testing.T) {
	for file, words := range map[string][]string{
		"Makefile":         {"CGO_ENABLED=0", "-trimpath", "-tags timetzdata", "-s -w -X main.release=$(VERSION)"},
		"Dockerfile":       {"CGO_ENABLED=0", "-trimpath", "-tags timetzdata", "-s -w -X main.release=${VERSION}"},
		".goreleaser.yaml": {"CGO_ENABLED=0", "-trimpath", "tags: [timetzdata]", "-s -w -X main.release=v{{ .Version }}"},
	} {
		for _, w := range words {
			if !strings.Contains(read(t, file), w) {
				t.Errorf("%s does not build with %s", file, w)
			}
		}
	}
}

func TestTheImageIsBuiltWithTheGoOfTheModule(t *testing.T) {
	m := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	for _, file := range []string{"Dockerfile", "docker-compose.yml"} {
		if !strings.Contains(read(t, file), "golang:"+m[1]) {
			t.Errorf("%s does not build with golang:%s", file, m[1])
		}
	}
}

func TestTheJobInTheDocumentsRuns(t *testing.T) {
	var job struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Args []string }
				}
			}
		}
	}
	blocks := fences(read(t, "docs/install.md"), "yaml job")
	if len(blocks) != 1 {
		t.Fatalf("docs/install.md has %d jobs", len(blocks))
	}
	if err := yaml.Unmarshal([]byte(blocks[0]), &job); err != nil {
		t.Fatal(err)
	}
	path := nowhere(t).config("kafka: {brokers: [\"127.0.0.1:1\"]}\narchives:\n  payments: {url: ./a, preset: pismo}\n")
	for _, c := range job.Spec.Template.Spec.Containers {
		for i, arg := range c.Args {
			if strings.HasPrefix(arg, "--wait-broker=") {
				c.Args[i] = "--wait-broker=0s"
			}
		}
		// what was typed is in order when it is the broker that is missing
		nowhere(t).replayd(append(c.Args, "--config", path)...).want(exitFailed, "127.0.0.1:1")
	}
	if len(job.Spec.Template.Spec.Containers) != 1 {
		t.Error("the job runs nothing")
	}
}
