package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"replayd/archive"
)

// once are flags that do not belong into the command that continues a replay: what is frozen, and what only a start needs.
var once = append([]string{
	"id", "create-topic", "partitions", "like-topic", "allow", "wait-broker", "output", "quiet", "verbose", "log-format",
}, aboutSpec...)

// again is the command that continues replay id: its name, and the flags of this session without which cluster or archive
// would not be found, or would be treated otherwise, but for those named in leave.
func (f *replayFlags) again(id string, leave ...string) string {
	return f.command("replayd run --id "+id, func(flag *pflag.Flag) bool {
		return ofSession(flag) && !slices.Contains(leave, flag.Name)
	})
}

// retake is again for a session that could not take the replay over: what it was allowed is still to be made use of.
func (f *replayFlags) retake(id string) string {
	return f.command("replayd run --id "+id, func(flag *pflag.Flag) bool { return ofSession(flag) || flag.Name == "allow" })
}

// ofSession reports whether a flag belongs to each session rather than to the replay or its start.
func ofSession(flag *pflag.Flag) bool {
	stops := flag.Value.String() == stop // which is of this session, and not frozen
	return stops || !slices.Contains(once, flag.Name)
}

// here adds to a command what reaches the cluster of this one: --brokers and --config, where they were given.
func (a *app) here(command string) string {
	if len(a.brokers) > 0 {
		command += " --brokers=" + archive.ShellWord(strings.Join(a.brokers, ","))
	}
	if a.configPath != "" {
		command += " --config=" + archive.ShellWord(a.configPath)
	}
	return command
}

// called reports whether the replay was called by an id, so that the same command means the same replay.
func (f *replayFlags) called() bool { return f.set.Changed("id") }

// asTyped is the command of this session, whether its replay is known or not; empty when it would be another replay.
func (f *replayFlags) asTyped() string {
	if !f.called() {
		return ""
	}
	return f.command("replayd run --id "+f.id, func(flag *pflag.Flag) bool { return flag.Name != "id" })
}

// goOn is the last line of what ends a session: the command that goes on.
func goOn(command string) string {
	if command == "" {
		return "Nothing was begun: type the same command again"
	}
	return "Continue with: " + command
}

// command is words and those flags of this session that are wanted.
func (f *replayFlags) command(words string, wanted func(*pflag.Flag) bool) string {
	f.set.Visit(func(flag *pflag.Flag) {
		switch {
		case !wanted(flag):
		case flag.Value.Type() == "bool" && flag.Value.String() == "true":
			words += " --" + flag.Name
		default:
			words += " --" + flag.Name + "=" + archive.ShellWord(valueOf(flag))
		}
	})
	return words
}

// valueOf undoes the brackets that pflag puts around lists.
func valueOf(flag *pflag.Flag) string {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return flag.Value.String()
}
