package harness

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// node is where one broker of a cluster is reached, and what it binds. The three listeners have the same names whoever
// runs the cluster: PLAINTEXT for clients, BROKER between brokers, CONTROLLER for the quorum.
type node struct {
	clients, advertised string // host:port
	brokers, peer       string // bound, and as the other brokers dial it
	controllerBind      string
	controller          string
	sasl, mtls          string // only of a secure cluster: bound and advertised
}

// properties are the broker settings of nodes[i].
func properties(nodes []node, i int, o KafkaOptions) map[string]string {
	n := nodes[i]
	p := map[string]string{
		"process.roles":                        "broker,controller",
		"node.id":                              strconv.Itoa(i),
		"controller.quorum.voters":             voters(nodes),
		"controller.listener.names":            "CONTROLLER",
		"inter.broker.listener.name":           "BROKER",
		"listeners":                            fmt.Sprintf("PLAINTEXT://%s,BROKER://%s,CONTROLLER://%s", n.clients, n.brokers, n.controllerBind),
		"advertised.listeners":                 fmt.Sprintf("PLAINTEXT://%s,BROKER://%s", n.advertised, n.peer),
		"listener.security.protocol.map":       "PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"auto.create.topics.enable":            "false", // a topic nobody made is a mistake, here as in production
		"group.initial.rebalance.delay.ms":     "0",
		"offsets.topic.num.partitions":         "4", // 50 each would cost seconds at the first commit
		"transaction.state.log.num.partitions": "4",
		// A killed broker is missed after 3 s instead of 9: producing stalls 3-6 s instead of 13-16.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
	}
	maps.Copy(p, replication(len(nodes)))
	maps.Copy(p, o.Settings)
	return p
}

func replication(brokers int) map[string]string {
	copies, inSync := "1", "1"
	if brokers >= 3 {
		copies, inSync = "3", "2"
	}
	return map[string]string{
		"default.replication.factor":               copies,
		"min.insync.replicas":                      inSync,
		"offsets.topic.replication.factor":         copies,
		"transaction.state.log.replication.factor": copies,
		"transaction.state.log.min.isr":            inSync,
	}
}

func voters(nodes []node) string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = fmt.Sprintf("%d@%s", i, n.controller)
	}
	return strings.Join(list, ",")
}

// propertiesFile writes settings as Kafka's server.properties.
func propertiesFile(settings map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s=%s\n", key, strings.ReplaceAll(settings[key], `\`, `\\`))
	}
	return b.String()
}

// imageEnv writes settings as the environment of the official image: a.b_c-d is KAFKA_A_B__C___D.
func imageEnv(settings map[string]string) map[string]string {
	names := strings.NewReplacer("-", "___", "_", "__", ".", "_")
	env := make(map[string]string, len(settings))
	for key, value := range settings {
		env["KAFKA_"+strings.ToUpper(names.Replace(key))] = value
	}
	return env
}
