package harness

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

const (
	officialImage = "apache/kafka:" + kafkaVersion
	standInImage  = "replayd-test/kafka:" + kafkaVersion // make kafka-image

	pullLimit   = 5 * time.Minute
	dockerLimit = time.Minute // for one request to the engine
)

// engine is a Docker engine that answers and has the image.
type engine struct {
	client *testcontainers.DockerClient
	host   string // where published ports are reached
	image  string
}

// findDocker looks for an engine once in the life of the process.
var findDocker = sync.OnceValues(func() (engine, error) {
	ctx, cancel := context.WithTimeout(context.Background(), pullLimit)
	defer cancel()
	tclog.SetDefault(silent{})
	image, err := chooseImage(ctx)
	if err != nil {
		return engine{}, err
	}
	e, provider, err := connect(ctx)
	if err != nil {
		return engine{}, fmt.Errorf("no engine answers: %w", err)
	}
	defer func() { _ = provider.Close() }()
	e.image = image
	if _, err := e.client.ImageInspect(ctx, image); err == nil {
		return e, nil
	}
	if err := provider.PullImage(ctx, image); err != nil {
		return engine{}, fmt.Errorf("image %s is not here and cannot be pulled (make kafka-image builds a stand-in): %w", image, err)
	}
	return e, nil
})

// connect finds the engine that testcontainers would use.
func connect(ctx context.Context) (e engine, provider *testcontainers.DockerProvider, err error) {
	// testcontainers panics where it finds no engine at all.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	if provider, err = testcontainers.NewDockerProvider(); err != nil {
		return e, nil, err
	}
	if e.host, err = provider.DaemonHost(ctx); err != nil {
		return e, nil, err
	}
	if e.client, err = testcontainers.NewDockerClientWithOpts(ctx); err != nil {
		return e, nil, err
	}
	_, err = e.client.Ping(ctx, client.PingOptions{})
	return e, provider, err
}

// chooseImage takes the stand-in where it was built and the official image is not there. A machine that needs it can
// pull nothing, so testcontainers must do without its clean-up container; and it may have a /.dockerenv of its own, from
// which testcontainers would conclude that published ports are elsewhere.
func chooseImage(ctx context.Context) (string, error) {
	image := os.Getenv("REPLAYD_TEST_KAFKA_IMAGE")
	if image == "" {
		image = localImage(ctx)
	}
	if image != standInImage {
		return image, nil
	}
	if err := setDefault("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return "", err
	}
	return image, setDefault("TESTCONTAINERS_HOST_OVERRIDE", "localhost")
}

// localImage asks the engine without testcontainers, which reads its environment once and for all at its first use.
func localImage(ctx context.Context) string {
	c, err := client.New(client.FromEnv)
	if err != nil {
		return officialImage
	}
	defer func() { _ = c.Close() }()
	for _, image := range []string{officialImage, standInImage} {
		if _, err := c.ImageInspect(ctx, image); err == nil {
			return image
		}
	}
	return officialImage
}

func setDefault(variable, value string) error {
	if _, set := os.LookupEnv(variable); set {
		return nil
	}
	return os.Setenv(variable, value)
}

// silent keeps the progress of containers out of the output of tests; what goes wrong is in errors.
type silent struct{}

func (silent) Printf(string, ...any) {}
