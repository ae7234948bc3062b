package harness

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed Tools.java
var toolsSource []byte

// kafkaScripts are the scripts of Kafka's distribution that the documents and replayd name, and the class that each runs.
var kafkaScripts = map[string]string{
	"kafka-topics.sh":          "org.apache.kafka.tools.TopicCommand",
	"kafka-acls.sh":            "org.apache.kafka.tools.AclCommand",
	"kafka-configs.sh":         "kafka.admin.ConfigCommand",
	"kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
}

// KafkaTools is a folder of programs named as the scripts of Kafka's distribution. They are Kafka's own tools, and end with
// the test. All run in one JVM, one after another, whose working directory is dir.
func KafkaTools(tb testing.TB, dir string) string {
	tb.Helper()
	java, folder := Java(tb), tb.TempDir()
	source := filepath.Join(folder, "Tools.java")
	if err := os.WriteFile(source, toolsSource, 0o600); err != nil {
		tb.Fatal(err)
	}
	java.Compile(tb, folder, source)
	port := startTools(tb, java, folder, dir)
	for script, class := range kafkaScripts {
		text := fmt.Sprintf("#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/%s\nprintf '%%s\\0' %s \"$@\" '' >&3\nread -r code <&3\ncat <&3\nexit \"$code\"\n", port, class)
		if err := os.WriteFile(filepath.Join(folder, script), []byte(text), 0o700); err != nil { //nolint:gosec // it is executed
			tb.Fatal(err)
		}
	}
	return folder
}

// startTools returns the port that the tools are called at.
func startTools(tb testing.TB, java JDK, folder, dir string) string {
	tb.Helper()
	cmd := java.Command(folder, "Tools")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatalf("start Kafka's tools: %v", err)
	}
	tb.Cleanup(func() { endTools(cmd) })
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatalf("Kafka's tools do not start: %v", err)
	}
	return strings.TrimSpace(port)
}

func endTools(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
