package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version that make build, the Dockerfile and goreleaser write into the program with -X main.release. What
// go install and go build make has none: there the module's version, as the build recorded it, is printed.
var release string

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		Annotations: map[string]string{withoutConfig: "it needs none"},
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "replayd", version())
			return err
		},
	}
}

func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
