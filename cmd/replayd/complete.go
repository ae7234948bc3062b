package main

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/archive"
	"replayd/config"
	"replayd/replay"
	"replayd/replay/api"
)

// What shells complete behind a flag. A flag that stands nowhere here completes to nothing: its values are the user's own,
// and names of files offered for a topic or a pace would be a false promise.

// flagWords are the flags that take one of some words, or several with commas where the flag is a list.
var flagWords = map[string][]string{
	"output":      {"text", "json"},
	"log-format":  {"console", "json"},
	"preset":      archive.PresetNames(),
	"layout":      {"pismo", "firehose", "hive", "jsonl"},
	"format":      {"json", "jsonl", "json-array"},
	"event-id":    {"body", "none"},
	"event-time":  {"none"},
	"dedupe":      {"on", "off"},
	"window-on":   windowsOn,
	"record-time": recordTimes,
	"compression": compressions,
	"headers":     extraHeaders,
	"allow":       allowable,
	"on-late":     onLate,
	"on-conflict": onConflict,
	"on-bad":      onBad,

	"on-missing-id": onMissingID,
	"state":         states,
	"wanted":        {string(replay.Running), string(replay.Paused), string(replay.Cancelled)},
	"role":          {string(api.Viewer), string(api.Operator), string(api.Admin)},
}

// states are those in which a replay can stand.
var states = func() (words []string) {
	for _, s := range []replay.State{
		replay.Planned, replay.Running, replay.Paused, replay.Failed, replay.Completed, replay.CompletedWithQuarantine, replay.Cancelled,
	} {
		words = append(words, string(s))
	}
	return words
}()

// flagFiles and flagFolders are the flags that take a path.
var (
	flagFiles   = []string{"config", "token-file", "ca", "client-cert", "client-key", "append"}
	flagFolders = []string{"spill-dir", "write"}
)

// complete tells the shells what the flags of root and of all commands below it take.
func (a *app) complete(root *cobra.Command) {
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { a.completeFlag(root, f) })
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { a.completeFlag(c, f) })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	for _, c := range root.Commands() {
		walk(c)
	}
}

func (a *app) completeFlag(c *cobra.Command, f *pflag.Flag) {
	if f.NoOptDefVal != "" { // a switch
		return
	}
	// The only errors are an unknown flag and one registered before: neither can be, since cobra gave it to us once.
	_ = c.RegisterFlagCompletionFunc(f.Name, a.valuesOf(f))
}

func (a *app) valuesOf(f *pflag.Flag) cobra.CompletionFunc {
	words, known := flagWords[f.Name]
	switch {
	case known:
		return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			if _, list := f.Value.(pflag.SliceValue); list {
				return furtherWords(words, typed), cobra.ShellCompDirectiveNoFileComp
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		}
	case slices.Contains(flagFiles, f.Name):
		return nothingBut(cobra.ShellCompDirectiveDefault)
	case slices.Contains(flagFolders, f.Name):
		return nothingBut(cobra.ShellCompDirectiveFilterDirs)
	case f.Name == "archive":
		return a.archives
	case f.Name == "topic":
		return a.names(func(c *config.Config) iter.Seq[string] { return maps.Keys(c.Targets) }, cobra.ShellCompDirectiveNoFileComp)
	}
	return nothingBut(cobra.ShellCompDirectiveNoFileComp)
}

func nothingBut(d cobra.ShellCompDirective) cobra.CompletionFunc {
	return cobra.FixedCompletions(nil, d)
}

// names are those of the configuration, as get finds them in it.
func (a *app) names(get func(*config.Config) iter.Seq[string], besides cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return slices.Sorted(get(a.configured())), besides
	}
}

// archives are those of the daemon where that reads them, if it answers, else those of the configuration here. What is read here may
// be a folder, too.
func (a *app) archives(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	f, besides := flagsOfDaemon(cmd.Flags()), cobra.ShellCompDirectiveDefault
	if f != nil && (cmd.Annotations[withoutConfig] != "" || a.named(f.set) != "") {
		if names := a.archivesThere(cmd.Context(), f); len(names) > 0 {
			return names, cobra.ShellCompDirectiveNoFileComp
		}
		besides = cobra.ShellCompDirectiveNoFileComp
	}
	return a.names(func(c *config.Config) iter.Seq[string] { return maps.Keys(c.Archives) }, besides)(cmd, args, typed)
}

// archivesThere are those that a daemon tells of in time; none: it does not.
func (a *app) archivesThere(ctx context.Context, f *clientFlags) (names []string) {
	d, err := a.daemon(f)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completing)
	defer cancel()
	page, err := d.Archives(ctx)
	if err != nil {
		return nil
	}
	for _, known := range page.Items {
		names = append(names, known.Name)
	}
	return names
}

// configured is the configuration; one that cannot be read has no names to offer, and a shell in the middle of a line no
// place to say why.
func (a *app) configured() *config.Config {
	c, err := config.Load(a.configPath, a.environ)
	if err != nil {
		return config.Default()
	}
	return c
}

// furtherWords are words to stand behind those of a list that are typed already.
func furtherWords(words []string, typed string) []string {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	given := strings.Split(before, ",")
	var further []string
	for _, w := range words {
		if !slices.Contains(given, w) {
			further = append(further, before+w)
		}
	}
	return further
}

// completes tells the commands that cobra adds for shells: the script, and what the script asks while somebody types. A
// configuration that is wrong must not take completion away, least of all behind config check.
func completes(c *cobra.Command) bool {
	return c.Name() == cobra.ShellCompRequestCmd || c.Name() == cobra.ShellCompNoDescRequestCmd || c.HasParent() && c.Parent().Name() == "completion"
}
