package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// probeLimit bounds one question to one broker.
const probeLimit = 2 * time.Second

// awaitReady returns when every broker that is up answers on its own address and sees all of them.
func (k *Kafka) awaitReady() {
	k.tb.Helper()
	err := waitFor("kafka", startLimit, k.exited, func(ctx context.Context) error {
		return k.eachUp(ctx, func(ctx context.Context, admin *kadm.Client) error { return seesBrokers(ctx, admin, k.count()) })
	})
	if err != nil {
		k.tb.Fatal(err)
	}
}

// eachUp asks every broker that is up, through a client that knows only its address and is new each time: a kept one
// believes its metadata for up to a minute.
func (k *Kafka) eachUp(ctx context.Context, ask func(context.Context, *kadm.Client) error) error {
	for i, addr := range k.addrs {
		if !k.up[i] {
			continue
		}
		if err := askOne(ctx, addr, ask); err != nil {
			return fmt.Errorf("broker %d at %s: %w", i, addr, err)
		}
	}
	return nil
}

func askOne(ctx context.Context, addr string, ask func(context.Context, *kadm.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	// The overhead is what bounds the wait for a broker that accepts and says nothing: kgo waits for its first answer
	// whatever the context says.
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(addr), kgo.RequestTimeoutOverhead(probeLimit))
	if err != nil {
		return err
	}
	defer admin.Close()
	return ask(ctx, admin)
}

func (k *Kafka) count() (n int) {
	for _, up := range k.up {
		if up {
			n++
		}
	}
	return n
}

func seesBrokers(ctx context.Context, admin *kadm.Client, want int) error {
	meta, err := admin.BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	if len(meta.Brokers) < want || meta.Controller < 0 {
		return fmt.Errorf("sees %d of %d brokers, controller %d", len(meta.Brokers), want, meta.Controller)
	}
	return nil
}

// setFeatures sets finalized levels and returns when every broker has learnt them.
func (k *Kafka) setFeatures(levels map[string]int16) {
	k.tb.Helper()
	for name, level := range levels {
		err := waitFor("feature "+name, startLimit, k.exited, func(ctx context.Context) error {
			return k.setFeature(ctx, name, level)
		})
		if err != nil {
			k.tb.Fatal(err)
		}
	}
}

// setFeature asks for the level when a broker does not show it, so it is called until it returns nil.
func (k *Kafka) setFeature(ctx context.Context, name string, level int16) error {
	return k.eachUp(ctx, func(ctx context.Context, admin *kadm.Client) error {
		now, err := finalized(ctx, admin, name)
		if err != nil || now == level {
			return err
		}
		if _, err := admin.UpdateFeatures(ctx, false, featureUpdate(name, now, level)); err != nil {
			return err
		}
		return fmt.Errorf("level of %s is %d, not yet %d", name, now, level)
	})
}

func featureUpdate(name string, now, level int16) kadm.FeatureUpdate {
	const upgrade, safeDowngrade = 1, 2
	u := kadm.FeatureUpdate{Feature: name, MaxVersionLevel: level, UpgradeType: upgrade}
	if level < now {
		u.UpgradeType = safeDowngrade
	}
	return u
}

// finalized is the level in force: a feature that is not listed is at level 0.
func finalized(ctx context.Context, admin *kadm.Client, name string) (int16, error) {
	versions, err := admin.ApiVersions(ctx)
	if err != nil {
		return 0, err
	}
	if len(versions) == 0 {
		return 0, errors.New("no broker told its versions")
	}
	level := int16(-1)
	for _, v := range versions {
		if v.Err != nil {
			return 0, v.Err
		}
		at := featureLevel(v.Raw(), name)
		if level >= 0 && at != level {
			return 0, fmt.Errorf("brokers disagree on the level of %s", name)
		}
		level = at
	}
	return level, nil
}

func featureLevel(r *kmsg.ApiVersionsResponse, name string) int16 {
	for _, f := range r.FinalizedFeatures {
		if f.Name == name {
			return f.MaxVersionLevel
		}
	}
	return 0
}
