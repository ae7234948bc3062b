package main

import (
	"context"
	"errors"
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
	return a.awaited(ctx, time.Duration(wait), func() (*kafka.Cluster, error) { return kafka.Connect(ctx, o) })
}

// awaitedEvery is between two lines of the log that say that a broker is waited for.
const awaitedEvery = time.Minute

// awaited connects once a second until that goes well, no waiting can cure what it meets, or it has waited for long enough.
func (a *app) awaited(ctx context.Context, wait time.Duration, connect func() (*kafka.Cluster, error)) (*kafka.Cluster, error) {
	began := time.Now()
	var said time.Time
	for {
		cluster, err := connect()
		if err == nil && !said.IsZero() {
			a.log.Info().Stringer("after", time.Since(began).Round(time.Second)).Msg("the broker answers")
		}
		if err == nil || time.Since(began) > wait || ctx.Err() != nil || !mayPass(err) {
			return cluster, err
		}
		if time.Since(said) >= awaitedEvery {
			said = time.Now()
			a.log.Info().Str("err", firstLine(err.Error())).Msg("waiting for the broker")
		}
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
