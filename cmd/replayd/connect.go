package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"replayd/config"
	"replayd/replay/kafka"
)

// connect reaches the cluster, waiting for it if asked to.
func (a *app) connect(ctx context.Context, f *replayFlags) (*kafka.Cluster, error) {
	var wait config.Duration
	if err := text(&wait, "wait-broker", f.waitBroker); err != nil {
		return nil, err
	}
	l, err := f.limits(a.config.Limits)
	if err != nil {
		return nil, err
	}
	if k := a.config.Kafka; k.TLS.On() || k.SASL.Mechanism != "" {
		return nil, &badConfig{errors.New("kafka.tls and kafka.sasl are not supported yet: only plaintext brokers are")}
	}
	o := kafka.Options{
		Brokers: a.config.Kafka.Brokers, ControlPrefix: a.config.Kafka.ControlPrefix,
		GiveUp: time.Duration(l.giveUp), Log: a.log,
	}
	began := time.Now()
	for {
		cluster, err := kafka.Connect(ctx, o)
		if err == nil || time.Since(began) > time.Duration(wait) || ctx.Err() != nil {
			return cluster, err
		}
		a.log.Info().Str("err", strings.SplitN(err.Error(), "\n", 2)[0]).Msg("waiting for the broker")
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}
