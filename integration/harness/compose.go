package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Compose is the docker-compose.yml of the project on images of this machine.
type Compose struct {
	// Command is how compose is called here: "docker compose" or "docker-compose".
	Command string

	// Image is replayd's, built by the project's Dockerfile from a program of this machine.
	Image string

	// Env is what compose is called with. Its project, image and port are of this test alone.
	Env []string

	tb     testing.TB
	root   string
	broker string // where this machine reaches it
}

// NewCompose builds the images. root is the folder of the project. build is called when this machine has all it needs, and
// returns the path of a replayd that was built without cgo, since nothing will be beside it in its image. What compose has
// brought up goes down with the test.
func NewCompose(tb testing.TB, root string, build func() string) *Compose {
	tb.Helper()
	c := &Compose{tb: tb, root: root}
	if reason := c.unavailable(); reason != "" {
		leaveOut(tb, "compose", reason)
	}
	port, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	name := fmt.Sprintf("replayd-test-%d", os.Getpid())
	compiler := "replayd-test/golang:" + name
	c.Image, c.broker = "replayd-test/replayd:"+name, fmt.Sprint("127.0.0.1:", port)
	c.Env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+name, "DOCKER_BUILDKIT=0", "KAFKA_PORT="+strconv.Itoa(port),
		"REPLAYD_IMAGE="+c.Image, "GO_IMAGE="+compiler, "KAFKA_IMAGE="+localImage(tb.Context()), "S3_IMAGE="+c.s3Image())
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("logs of all services:\n%s", c.logs())
		}
		c.atEnd(c.Command+" down --volumes --remove-orphans --timeout 1", true)
		c.atEnd("docker image rm --force "+c.Image+" "+compiler, false)
		c.atEnd("docker image prune --force --filter label=replayd.test.compiler="+compiler, false)
	})
	c.standIn("go", compiler, build())
	c.Run(tb, "docker build --quiet --build-arg GO_IMAGE="+compiler+" --tag "+c.Image+" .")
	tested(tb, "compose", "")
	return c
}

const (
	officialS3 = "versity/versitygw:v1.8.0" // as in docker-compose.yml
	standInS3  = "replayd-test/versitygw:v1.8.0"
)

// unavailable says what this machine lacks.
func (c *Compose) unavailable() string {
	if !c.succeeds("docker info") {
		return "no engine answers"
	}
	switch {
	case c.succeeds("docker compose version"):
		c.Command = "docker compose"
	case c.succeeds("docker-compose version"):
		c.Command = "docker-compose"
	default:
		return "no docker compose (apt-get install docker-compose)"
	}
	if image := localImage(c.tb.Context()); !c.has(image) {
		return "image " + image + " is not here (make kafka-image)"
	}
	if _, err := tool("versitygw"); err != nil && !c.has(officialS3) {
		return err.Error() + " (make tools)"
	}
	if _, err := exec.LookPath("busybox"); err != nil {
		return "no busybox (apt-get install busybox-static)"
	}
	return ""
}

// s3Image is the official image where it is here, else a stand-in from the same program.
func (c *Compose) s3Image() string {
	if c.has(officialS3) {
		return officialS3
	}
	if path, err := tool("versitygw"); err == nil && !c.has(standInS3) {
		c.standIn("s3", standInS3, path)
	}
	return standInS3
}

func (c *Compose) standIn(kind, tag, program string) {
	c.tb.Helper()
	c.Run(c.tb, strings.Join([]string{filepath.Join("integration", "compose-images", "build.sh"), kind, tag, program}, " "))
}

func (c *Compose) has(image string) bool { return c.succeeds("docker image inspect " + image) }

func (c *Compose) succeeds(line string) bool {
	_, err := c.try(c.tb.Context(), line)
	return err == nil
}

// Run runs a line of shell in the folder of the project and returns what it printed, errors included.
func (c *Compose) Run(tb testing.TB, line string) string {
	tb.Helper()
	out, err := c.try(tb.Context(), line)
	if err != nil {
		tb.Fatalf("%s\n%v\n%s", line, err, out)
	}
	return out
}

func (c *Compose) try(ctx context.Context, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = c.root, c.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Kafka is the broker that compose has brought up. It cannot be killed.
func (c *Compose) Kafka() *Kafka { return newKafka(c.tb, "compose", []string{c.broker}, nil) }

func (c *Compose) logs() string {
	ctx, cancel := context.WithTimeout(context.Background(), dockerLimit)
	defer cancel()
	out, _ := c.try(ctx, c.Command+" logs --no-color --tail 100")
	return out
}

// atEnd runs a line when the test's own context has ended.
func (c *Compose) atEnd(line string, must bool) {
	ctx, cancel := context.WithTimeout(context.Background(), dockerLimit)
	defer cancel()
	if out, err := c.try(ctx, line); err != nil && must {
		c.tb.Errorf("%s\n%v\n%s", line, err, out)
	}
}
