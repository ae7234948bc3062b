package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/config"
	"replayd/replay/kafka"
	"replayd/replay/kafka/security"
)

// connect reaches the cluster, waiting for it if asked to. All of its clients have the options.
func (a *app) connect(ctx context.Context, f *replayFlags, options ...kgo.Opt) (*kafka.Cluster, error) {
	var wait config.Duration
	if err := text(&wait, "wait-broker", f.waitBroker); err != nil {
		return nil, err
	}
	l, err := f.limits(a.config.Limits)
	if err != nil {
		return nil, err
	}
	s, err := a.security(ctx)
	if err != nil {
		return nil, err
	}
	o := kafka.Options{
		Brokers: a.config.Kafka.Brokers, ControlPrefix: a.config.Kafka.ControlPrefix, Member: a.config.Server.Member, Security: s,
		GiveUp: time.Duration(l.giveUp), Log: a.log,
	}
	o.Client = options
	began := time.Now()
	for {
		cluster, err := kafka.Connect(ctx, o)
		if err == nil || time.Since(began) > time.Duration(wait) || ctx.Err() != nil || !mayPass(err) {
			return cluster, err
		}
		a.log.Info().Str("err", strings.SplitN(err.Error(), "\n", 2)[0]).Msg("waiting for the broker")
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// security is how the configuration says that brokers are reached.
func (a *app) security(ctx context.Context) (*security.Security, error) {
	k := a.config.Kafka
	s, err := security.New(ctx, security.Options{
		TLS: security.TLS{On: k.TLS.On(), CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile},
		SASL: security.SASL{
			Mechanism: k.SASL.Mechanism, Username: k.SASL.Username, Password: password(k.SASL),
			Token: security.SecretFile(security.OptionTokenFile, k.SASL.TokenFile), Profile: k.SASL.Profile,
		},
	})
	var bad *security.OptionError
	if errors.As(err, &bad) {
		return nil, &badConfig{config.Problems{a.config.Problem(bad.Option, "%v", bad.Err)}}
	}
	if s.SendsSecretsOpenly() {
		a.log.Warn().Msgf("kafka.sasl.mechanism %s without kafka.tls: what it logs in with can be read on the network", k.SASL.Mechanism)
	}
	return s, err
}

func password(s config.SASL) security.Secret {
	if s.PasswordFile != "" {
		return security.SecretFile(security.OptionPasswordFile, s.PasswordFile)
	}
	return security.SecretText(security.OptionPassword, s.Password.Reveal())
}

// mayPass reports whether waiting may cure what a connection met. A broker that refuses a password is up.
func mayPass(err error) bool {
	var refused *security.Refused
	return !errors.As(err, &refused) || refused.Guess
}
