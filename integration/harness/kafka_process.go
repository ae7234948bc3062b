package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
)

// processProvider runs brokers as child processes from the jars on Maven Central.
type processProvider struct{}

const (
	leastJava  = 17
	brokerHeap = "-Xmx512m"
	quickStart = "-XX:TieredStopAtLevel=1" // compile once: most of a short life's CPU goes into compiling again, and better
	clusterID  = "cmVwbGF5ZC10ZXN0LTAwMQ"  // any 16 bytes in base64url
)

func (processProvider) name() string { return "process" }

func (processProvider) unavailable(o KafkaOptions) string {
	if err := findJava(); err != nil {
		return err.Error()
	}
	jar := filepath.Join(jarsDir(), "kafka_2.13-"+kafkaVersion+".jar")
	if _, err := os.Stat(jar); err != nil {
		return "no Kafka jars in " + jarsDir() + " (make kafka-jars)"
	}
	if o.Control && !canFreeze {
		return "child processes cannot be controlled on this system"
	}
	return ""
}

func (p processProvider) start(tb testing.TB, o KafkaOptions) (*Kafka, error) {
	nodes, err := localNodes(o.Brokers)
	if err != nil {
		return nil, err
	}
	dir := tb.TempDir()
	var secure *Secure
	if o.Secure {
		if secure, err = newSecure(dir, nodes); err != nil {
			return nil, err
		}
	}
	brokers := make([]broker, len(nodes))
	addrs := make([]string, len(nodes))
	var format errgroup.Group
	for i, n := range nodes {
		home := filepath.Join(dir, fmt.Sprintf("broker-%d", i))
		settings := properties(nodes, i, o)
		settings["log.dirs"] = filepath.Join(home, "data")
		secure.configure(settings, n)
		format.Go(func() error { return formatStorage(home, settings) })
		brokers[i], addrs[i] = kafkaProcess(home, i, o.Measured), n.advertised
	}
	if err := format.Wait(); err != nil {
		return nil, err
	}
	k := newKafka(tb, p.name(), addrs, brokers)
	k.secure = secure
	for _, b := range brokers {
		if err := b.start(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// localNodes places brokers on free ports of the loopback interface.
func localNodes(count int) ([]node, error) {
	nodes := make([]node, count)
	for i := range nodes {
		var addrs [3]string
		for j := range addrs {
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			addrs[j] = "127.0.0.1:" + strconv.Itoa(port)
		}
		nodes[i] = node{
			clients: addrs[0], advertised: addrs[0],
			brokers: addrs[1], peer: addrs[1],
			controllerBind: addrs[2], controller: addrs[2],
		}
	}
	return nodes, nil
}

// kafkaProcess is the broker whose configuration formatStorage wrote to home.
func kafkaProcess(home string, i int, measured bool) *process {
	flags := []string{brokerHeap}
	if !measured {
		flags = append(flags, quickStart, "-XX:+UseSerialGC")
	}
	return &process{
		name: fmt.Sprintf("broker %d", i),
		path: "java",
		args: append(flags,
			"-Dlog4j2.configurationFile="+filepath.Join(home, logConfigFile),
			"-cp", filepath.Join(jarsDir(), "*"), "kafka.Kafka", filepath.Join(home, propertiesName),
		),
		log: filepath.Join(home, "broker.log"),
	}
}

const (
	propertiesName = "server.properties"
	logConfigFile  = "log4j2.properties"

	// Kafka's own configuration writes files into its installation folder; ours has none.
	logConfig = `rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
`
)

// formatStorage writes the broker's configuration and prepares its data folder, which Kafka does not do by itself.
func formatStorage(home string, settings map[string]string) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	config := filepath.Join(home, propertiesName)
	if err := os.WriteFile(config, []byte(propertiesFile(settings)), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, logConfigFile), []byte(logConfig), 0o644); err != nil {
		return err
	}
	out, err := exec.Command("java", "-Xmx128m", quickStart, "-XX:+UseSerialGC",
		"-cp", filepath.Join(jarsDir(), "*"), "kafka.tools.StorageTool", "format",
		"--ignore-formatted", "-t", clusterID, "-c", config).CombinedOutput()
	if err != nil {
		return fmt.Errorf("format storage: %w\n%s", err, lastLines(out, maxLogShown))
	}
	return nil
}

func jarsDir() string { return filepath.Join(toolsDir(), "kafka-"+kafkaVersion) }

// findJava reports why the java in PATH does not serve. The answer holds for the life of the process.
var findJava = sync.OnceValue(func() error {
	out, err := exec.Command("java", "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("no Java: %w", err)
	}
	if version := javaVersion(string(out)); version < leastJava {
		return fmt.Errorf("here is Java %d, and Kafka %s needs %d", version, kafkaVersion, leastJava)
	}
	return nil
})

var javaVersionPattern = regexp.MustCompile(`version "(\d+)`)

// javaVersion is the major version that `java -version` printed, 0 when it printed none.
func javaVersion(out string) int {
	m := javaVersionPattern.FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	version, _ := strconv.Atoi(m[1])
	return version
}
