// Package wayout reads what a refusal tells a person to do next, so that a test can do it: every flag and every command
// that the refusal names is a way out, and one that cannot be followed is an error.
package wayout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Way is one of the things that a refusal says to do.
type Way struct {
	Says    string   // the words of the refusal that name it
	Flags   []string // of the same run, changed as it says; nil for a command
	Command string   // of Kafka's distribution, to be run before the same run again
	Alone   bool     // Flags are those of another replay, and stand by themselves
}

// What a way takes where the refusal leaves it to the person.
const (
	Topic      = "y" // another one
	ID         = "another"
	Like       = "like" // a topic that is there
	Partitions = "3"
	Key        = "/id" // where events of the tests have their ids
)

var (
	told = regexp.MustCompile(`(another |faster |Leave |smaller |and )?--([a-z-]+)(?: ([A-Za-z0-9._=:-]*[A-Za-z0-9]))?`)
	// refusal begins the next of several: advice begins with a capital letter.
	refusal = regexp.MustCompile(`(?m)^(replayd: )?[a-z]+(-[a-z]+)*: `)

	step = regexp.MustCompile(`(?m)^ +((?:kafka-[a-z]+\.sh) .*)$`)
)

// Of reads a refusal of item out of what was printed. The flags are those of the run that was refused, in the form
// name, value; those without a value are not among them.
func Of(printed, item string, flags []string) ([]Way, error) {
	begin := regexp.MustCompile(`(?m)^(replayd: )?` + item + `: .*\n`).FindStringIndex(printed)
	if begin == nil {
		return nil, fmt.Errorf("%s is not refused", item)
	}
	next := printed[begin[1]:] // the line before says what is so
	if end := refusal.FindStringIndex(next); end != nil {
		next = next[:end[0]]
	}
	var ways []Way
	for _, m := range step.FindAllStringSubmatch(next, -1) {
		ways = append(ways, Way{Says: m[1], Command: m[1]})
	}
	for _, m := range told.FindAllStringSubmatch(step.ReplaceAllString(next, ""), -1) {
		from := flags
		together := m[1] == "and " && len(ways) > 0 // with the one before
		if together {
			from = ways[len(ways)-1].Flags
		}
		way, err := follow(m, next, from)
		if err != nil {
			return nil, fmt.Errorf("%w in:\n%s", err, next)
		}
		if together {
			way.Says = ways[len(ways)-1].Says + " " + way.Says
			ways = ways[:len(ways)-1]
		}
		ways = append(ways, way)
	}
	return ways, nil
}

// follow does with the flags what a match of told says.
func follow(m []string, next string, flags []string) (Way, error) {
	w := Way{Says: m[0]}
	word, name, value := m[1], m[2], m[3]
	switch {
	case word == "Leave ":
		w.Flags = without(flags, name)
	case name == "topic":
		_, example, found := strings.Cut(next, "--topic, such as ")
		topic, _, _ := strings.Cut(example, "\n")
		if topic = strings.TrimSuffix(topic, "."); !found {
			topic = Topic
		}
		w.Flags = With(With(flags, "topic", topic), "create-topic", "")
	case name == "key":
		w.Flags = With(flags, name, Key)
	case name == "create-topic":
		w.Flags = With(flags, name, "")
	case name == "partitions" && value == "N":
		w.Flags = With(With(flags, "create-topic", ""), name, Partitions)
	case name == "like-topic" && value == "T":
		w.Flags = With(flags, name, Like)
	case word == "faster " && name == "pace":
		w.Flags = With(flags, name, "unlimited")
	case name == "id" && word == "another ":
		w.Flags = With(flags, name, ID)
	case name == "id" && value != "":
		w.Flags, w.Alone = []string{"--id", value}, true
	case name == "allow" && value != "", name == "record-time" && value != "":
		w.Flags = With(flags, name, value)
	default:
		return w, fmt.Errorf("nobody knows how to follow %q", m[0])
	}
	return w, nil
}

// With are flags with one of them set. Names that are allowed are added to each other.
func With(flags []string, name, value string) []string {
	if i := slices.Index(flags, "--"+name); i >= 0 && name == "allow" && !slices.Contains(strings.Split(flags[i+1], ","), value) {
		value = flags[i+1] + "," + value
	} else if i >= 0 && name == "allow" {
		return flags
	}
	flags = append(without(flags, name), "--"+name)
	if value != "" {
		flags = append(flags, value)
	}
	return flags
}

func without(flags []string, name string) []string {
	kept := slices.Clone(flags)
	i := slices.Index(kept, "--"+name)
	if i < 0 {
		return kept
	}
	end := i + 1
	if end < len(kept) && !strings.HasPrefix(kept[end], "--") {
		end++
	}
	return slices.Delete(kept, i, end)
}
