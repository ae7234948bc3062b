package harness

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// containerBroker is a broker in a container. Its data is the container's own layer, which outlives a kill.
type containerBroker struct {
	client *testcontainers.DockerClient
	ctr    *testcontainers.DockerContainer
}

func (b *containerBroker) start() error {
	return b.request("start", func(ctx context.Context, id string) error {
		_, err := b.client.ContainerStart(ctx, id, client.ContainerStartOptions{})
		return err
	})
}

// kill waits until the engine says that the container is down: the request itself returns early.
func (b *containerBroker) kill() error {
	if !b.running() {
		return nil
	}
	err := b.request("kill", func(ctx context.Context, id string) error {
		_, err := b.client.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "KILL"})
		return err
	})
	if err != nil {
		return err
	}
	return waitFor("end of container", dockerLimit, nil, func(context.Context) error {
		if b.running() {
			return errors.New("still running")
		}
		return nil
	})
}

func (b *containerBroker) freeze() error {
	return b.request("freeze", func(ctx context.Context, id string) error {
		_, err := b.client.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		return err
	})
}

func (b *containerBroker) thaw() error {
	return b.request("thaw", func(ctx context.Context, id string) error {
		_, err := b.client.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		return err
	})
}

func (b *containerBroker) request(verb string, do func(ctx context.Context, id string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), dockerLimit)
	defer cancel()
	if err := do(ctx, b.ctr.GetContainerID()); err != nil {
		return fmt.Errorf("%s container: %w", verb, err)
	}
	return nil
}

func (b *containerBroker) running() bool {
	running := false
	err := b.request("inspect", func(ctx context.Context, id string) error {
		info, err := b.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		running = err == nil && info.Container.State != nil && info.Container.State.Running
		return err
	})
	return err == nil && running
}

func (b *containerBroker) logTail() string {
	ctx, cancel := context.WithTimeout(context.Background(), dockerLimit)
	defer cancel()
	logs, err := b.ctr.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	data, err := io.ReadAll(logs)
	if err != nil {
		return err.Error()
	}
	return string(lastLines(data, maxLogShown))
}
