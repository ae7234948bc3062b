package kafka

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"replayd/replay"
)

func TestWhatALostBrokerWouldTakeIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		brokers  int
		replicas int16
		inSync   string
		refused  bool
		says     string
	}{
		{"one broker", 1, 1, "1", false, "the cluster has one broker"},
		{"one replica of many brokers", 3, 1, "1", true, "has one replica"},
		{"one acknowledgement", 3, 3, "1", false, "min.insync.replicas=1"},
		{"two acknowledgements", 3, 3, "2", false, ""},
		{"more acknowledgements than replicas", 3, 1, "2", true, "takes no records at all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := connect(t, fake(t, kfake.NumBrokers(c.brokers)))
			settings := map[string]*string{"min.insync.replicas": kadm.StringPtr(c.inSync)}
			if _, err := cluster.admin.CreateTopic(t.Context(), 2, c.replicas, settings, "target"); err != nil {
				t.Fatal(err)
			}
			spec := testSpec("r")
			spec.Topic = "target"
			findings, err := cluster.Preflight(t.Context(), spec, Settings{})
			if err != nil {
				t.Fatal(err)
			}
			told := ""
			for _, f := range findings {
				if f.Item == ItemDurability {
					told = f.What
					if f.Refused != c.refused {
						t.Errorf("refused %v: %s", f.Refused, f.What)
					}
				}
			}
			if !strings.Contains(told, c.says) || (told == "") != (c.says == "") {
				t.Errorf("it says %q, want %q", told, c.says)
			}
		})
	}
}

// TestOriginalTimesOfAWindowByArrivalAreJudgedAsUnknown has a window of yesterday, well within every limit: it bounds when
// the events arrived, and not when they happened.
func TestOriginalTimesOfAWindowByArrivalAreJudgedAsUnknown(t *testing.T) {
	t.Parallel()
	const never, month = "9223372036854775807", "2592000000"
	for _, c := range []struct {
		name               string
		keeps, back, ahead string
		on                 string
		change             func(*replay.Spec, map[string]string)
		refused            []string
	}{
		{"nothing is limited", "-1", never, never, replay.OnArrival, nil, nil},
		{"it is kept for a month", month, never, never, replay.OnArrival, nil, []string{ItemRetention}},
		{"how old is limited", "-1", month, never, replay.OnArrival, nil, []string{ItemTimestamps}},
		{"how far ahead is limited", "-1", never, month, replay.OnArrival, nil, []string{ItemTimestamps}},
		{"all is limited", month, month, month, replay.OnArrival, nil, []string{ItemRetention, ItemTimestamps, ItemTimestamps}},
		{"the window goes by the times themselves", month, month, month, replay.OnEvent, nil, nil},
		{"the times are those of now", month, month, month, replay.OnArrival, func(s *replay.Spec, _ map[string]string) { s.RecordTime = replay.RecordTimeNow }, nil},
		{"the topic replaces them", month, month, month, replay.OnArrival, func(_ *replay.Spec, s map[string]string) { s["message.timestamp.type"] = "LogAppendTime" }, nil},
	} {
		spec := testSpec("r")
		spec.RecordTime, spec.Window.On = replay.RecordTimeOriginal, c.on
		spec.Window.From = time.Now().Add(-24 * time.Hour)
		spec.Window.To = spec.Window.From.Add(time.Hour)
		settings := map[string]string{"retention.ms": c.keeps, oldestTime: c.back, newestTime: c.ahead}
		if c.change != nil {
			c.change(spec, settings)
		}
		p := &preflight{cluster: &Cluster{}, spec: spec}
		p.judge(settings)
		var refused []string
		for _, f := range p.findings {
			if f.Refused {
				refused = append(refused, f.Item)
			}
			if f.Refused && (f.Always || !strings.Contains(f.Next, "--allow "+f.Item) || !strings.Contains(f.Next, "--add-config ")) {
				t.Errorf("%s: %s: a person who knows the events is not told how to go on: %s", c.name, f.Item, f.Next)
			}
		}
		if !slices.Equal(refused, c.refused) {
			t.Errorf("%s: refused for %v, want %v", c.name, refused, c.refused)
		}
	}
}
