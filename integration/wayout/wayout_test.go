package wayout

import (
	"strings"
	"testing"
)

func TestWaysAreThoseThatTheRefusalNames(t *testing.T) {
	const flags = "--topic x --create-topic --partitions 12 --allow overlap"
	for _, c := range []struct{ next, want string }{
		{
			"Leave --partitions away to take the topic as it is, or choose another --topic.",
			"--topic x --create-topic --allow overlap | --partitions 12 --allow overlap --topic y --create-topic",
		},
		{"Choose a replay topic of its own with --topic, such as replay.x.", "--partitions 12 --allow overlap --topic replay.x --create-topic"},
		{"Continue it with --id a.b, or --allow durability.", "--id a.b | --topic x --create-topic --partitions 12 --allow overlap,durability"},
		{"Let it keep them:\n  kafka-configs.sh --alter --add-config a=b", "kafka-configs.sh --alter --add-config a=b"},
		{
			"Name with --key where the key stands, and --allow compacted, or choose another --topic.",
			"--topic x --create-topic --partitions 12 --key /id --allow overlap,compacted | --partitions 12 --allow overlap --topic y --create-topic",
		},
		{"Start again under another --id.\nreplayd: other: it is so\nUse --allow other.", "--topic x --create-topic --partitions 12 --allow overlap --id another"},
	} {
		ways, err := Of("12:00 WRN\nreplayd: item: what is so\n"+c.next, "item", strings.Fields(flags))
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for _, w := range ways {
			got = append(got, strings.TrimSpace(w.Command+" "+strings.Join(w.Flags, " ")))
		}
		if text := strings.Join(got, " | "); text != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.next, text, c.want)
		}
	}
}

func TestAWayThatNobodyCanFollowIsAnError(t *testing.T) {
	if ways, err := Of("replayd: item: what is so\nUse --new-flag.", "item", nil); err == nil {
		t.Errorf("got %v", ways)
	}
}
