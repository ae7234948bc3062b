package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"replayd/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Check or show the configuration", Annotations: map[string]string{withoutConfig: "it only leads on"},
		RunE: func(_ *cobra.Command, args []string) error {
			return usage("%s: check or show", strings.Join(append([]string{"config"}, args...), " "))
		},
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "check", Short: "Report every problem of the configuration, with file and line",
			Args: noArguments, Annotations: map[string]string{withoutConfig: "it reads it itself"},
			RunE: func(*cobra.Command, []string) error {
				err := config.Check(a.out, a.configPath, a.environ)
				var problems config.Problems
				switch {
				case errors.As(err, &problems): // they are printed
					return exitCode(exitBadConfig)
				case err != nil:
					return &badConfig{err}
				}
				return a.checkLargeEvents()
			},
		},
		&cobra.Command{
			Use: "show", Short: "Print the configuration in force, secrets as ***", Args: noArguments,
			RunE: func(*cobra.Command, []string) error {
				text, err := a.config.YAML()
				if err != nil {
					return err
				}
				_, err = a.out.Write(text)
				return err
			},
		},
	)
	return cmd
}
