package main

import (
	"strings"
	"testing"
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
