package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestWhatALostBrokerWouldTakeIsTold(t *testing.T) {
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
