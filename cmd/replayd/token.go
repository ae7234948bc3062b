package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"replayd/config"
	"replayd/replay/api"
)

func (a *app) tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Tokens for those who may use the daemon", Annotations: map[string]string{withoutConfig: "it only leads on"},
		RunE: func(*cobra.Command, []string) error { return usage("token: new makes one") },
	}
	c.AddCommand(a.newTokenCommand())
	return c
}

func (a *app) newTokenCommand() *cobra.Command {
	t, role, expires := api.Token{}, "", ""
	var archives, topics []string
	c := &cobra.Command{
		Use: "new NAME", Short: "Make a token: the secret to stdout, the line for the daemon's tokens file to stderr",
		Long: `token new makes a random token. It is printed to stdout, once; the line for server.auth.tokens_file, which holds only its
hash, goes to stderr, or with --append to the end of that file. The daemon reads the file again when it changes.`,
		Example: `  replayd token new anna --role operator --topics 'replay.*' --append /etc/replayd/tokens.yaml
  replayd token new grafana --role viewer --expires 365d`,
		Annotations: map[string]string{withoutConfig: "it needs none"},
	}
	to := ""
	flags := c.Flags()
	flags.StringVar(&role, "role", string(api.Viewer), "viewer, operator or admin")
	flags.StringSliceVar(&archives, "archives", []string{api.Everything}, "archives that it may see and start: names, or beginnings of names and a star")
	flags.StringSliceVar(&topics, "topics", []string{api.Everything}, "topics, likewise")
	flags.StringVar(&expires, "expires", "", "how long it holds: 90d (default: for ever)")
	flags.StringVar(&to, "append", "", "file of tokens to add the line to")
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("token new takes one name: whose it is, for the audit")
		}
		return nil
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		t.Name, t.Archives, t.Topics = args[0], archives, topics
		if err := t.Role.UnmarshalText([]byte(role)); err != nil {
			return usage("--role: %w", err)
		}
		var d config.Duration
		if err := text(&d, "expires", expires); err != nil {
			return err
		}
		if d > 0 {
			t.Expires = api.ExpiresAt(a.now().Add(time.Duration(d)))
		}
		return a.newToken(t, to)
	}
	return c
}

func (a *app) newToken(t api.Token, to string) error {
	secret, line, err := api.NewToken(t)
	if err != nil {
		return usage("%w", err)
	}
	if to == "" {
		fmt.Fprint(a.err, line)
	} else if err := appendTo(to, line); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, secret)
	return err
}

// appendTo adds a line to a file of tokens, which is made where there is none. A file that a daemon could not read is left as
// it is: the daemon would keep its old list, in which what was revoked since still holds, and not start again.
func appendTo(path, line string) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	more, err := api.AddToken(text, line)
	if err != nil {
		return usage("%s would not be a file of tokens, so nothing was written: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(more); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
