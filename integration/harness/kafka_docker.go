package harness

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"github.com/moby/moby/api/types/container"
	dockernet "github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
)

// dockerProvider runs brokers as containers through testcontainers.
//
// Each broker gets a fixed port of the host, found free beforehand: a stopped container that is started again would get
// another mapped port, and the advertised address has to be known before the broker starts.
type dockerProvider struct{}

const (
	clientPort     = "9092"
	brokerPort     = "9093"
	controllerPort = "9094"
)

func (dockerProvider) name() string { return "docker" }

func (dockerProvider) unavailable(o KafkaOptions) string {
	if o.Secure {
		return notSecure
	}
	if _, err := findDocker(); err != nil {
		return err.Error()
	}
	return ""
}

func (p dockerProvider) start(tb testing.TB, o KafkaOptions) (*Kafka, error) {
	engine, err := findDocker()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	nw, err := network.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("create network: %w", err)
	}
	tb.Cleanup(func() { removeAtEnd(tb, "network", nw.Remove) })
	nodes, err := containerNodes(engine.host, o.Brokers)
	if err != nil {
		return nil, err
	}
	addrs := make([]string, len(nodes))
	brokers := make([]broker, len(nodes))
	for i, n := range nodes {
		ctr, err := runContainer(ctx, tb, engine, nw, n, i, imageEnv(properties(nodes, i, o)))
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", engine.image, err)
		}
		brokers[i], addrs[i] = &containerBroker{client: engine.client, ctr: ctr}, n.advertised
	}
	return newKafka(tb, p.name(), addrs, brokers), nil
}

// containerNodes gives each broker a port of the engine's host. Inside, brokers and command-line tools reach each other
// as kafka0:9093, kafka1:9093, ...
func containerNodes(host string, count int) ([]node, error) {
	nodes := make([]node, count)
	for i := range nodes {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		alias := containerAlias(i)
		nodes[i] = node{
			clients: "0.0.0.0:" + clientPort, advertised: net.JoinHostPort(host, strconv.Itoa(port)),
			brokers: "0.0.0.0:" + brokerPort, peer: alias + ":" + brokerPort,
			controllerBind: "0.0.0.0:" + controllerPort, controller: alias + ":" + controllerPort,
		}
	}
	return nodes, nil
}

func containerAlias(i int) string { return "kafka" + strconv.Itoa(i) }

func runContainer(ctx context.Context, tb testing.TB, e engine, nw *testcontainers.DockerNetwork, n node, i int, env map[string]string) (*testcontainers.DockerContainer, error) {
	_, port, err := net.SplitHostPort(n.advertised)
	if err != nil {
		return nil, err
	}
	env["CLUSTER_ID"] = clusterID
	env["KAFKA_HEAP_OPTS"] = brokerHeap + " " + quickStart
	ctr, err := testcontainers.Run(ctx, e.image,
		testcontainers.WithEnv(env),
		testcontainers.WithExposedPorts(clientPort+"/tcp"),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.PortBindings = dockernet.PortMap{
				dockernet.MustParsePort(clientPort + "/tcp"): {{HostIP: bindAddr(e.host), HostPort: port}},
			}
		}),
		network.WithNetwork([]string{containerAlias(i)}, nw),
	)
	if ctr != nil { // a container that did not start is there, too
		tb.Cleanup(func() { removeAtEnd(tb, "container", func(ctx context.Context) error { return ctr.Terminate(ctx) }) })
	}
	return ctr, err
}

// bindAddr keeps the broker off the network when the engine is on this machine.
func bindAddr(host string) netip.Addr {
	if host == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv4Unspecified()
}

func removeAtEnd(tb testing.TB, what string, remove func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), dockerLimit)
	defer cancel()
	if err := remove(ctx); err != nil {
		tb.Errorf("remove %s: %v", what, err)
	}
}
