package main

import (
	"time"

	"replayd/config"
	"replayd/replay"
	"replayd/replay/kafka"
)

// agree refuses flags that contradict what is frozen. What is not given comes from the frozen spec, and times relative to
// now are those of the first start.
func (a *app) agree(f *replayFlags, known *kafka.Stored) error {
	asked := known.Spec
	if f.place.archive != "" {
		asked.Archive = f.place.archive
		p, err := a.place(f.place)
		if err != nil {
			return err
		}
		asked.URL = p.config.URL[0]
	}
	if f.set.Changed("topic") {
		asked.Topic = f.topic
	}
	if err := a.agreePreset(f.place.preset, &asked); err != nil {
		return err
	}
	override(&asked.Fields.ID, f.eventID)
	override(&asked.Fields.Time, f.eventTime)
	override(&asked.Fields.Key, f.key)
	override(&asked.Fields.Zone, f.eventTimeZone)
	f.policy.freeze(&asked)
	override(&asked.Window.On, f.windowOn)
	override(&asked.RecordTime, f.recordTime)
	if f.place.layout != "hive" { // which the first start resolved
		override(&asked.Layout, f.place.layout)
	}
	override(&asked.Format, f.place.format)
	if len(f.allow) == 0 { // else it is the reason for what this session allows
		override(&asked.Reason, f.reason)
	}
	if f.headers != nil {
		asked.Headers = f.headers
	}
	if f.targets != nil {
		asked.Targets = f.targets
	}
	if f.set.Changed("dedupe") {
		asked.Dedupe = f.dedupes(asked.Fields)
	}
	if err := f.agreeTimes(&asked, a.now()); err != nil {
		return err
	}
	if d := kafka.Differences(known.Spec, asked); len(d) > 0 {
		return &kafka.SpecDiffers{ID: known.Spec.ID, Differences: d}
	}
	return nil
}

// agreePreset takes what a preset says where the archive's configuration says nothing.
func (a *app) agreePreset(name string, asked *replay.Spec) error {
	if name == "" {
		return nil
	}
	p := &place{config: config.DefaultArchive()}
	if known, ok := a.config.Archives[asked.Archive]; ok {
		p.config = known
	}
	p.config.Preset = name
	if err := p.applyPreset(); err != nil {
		return err
	}
	override(&asked.Fields.ID, string(p.config.EventID))
	override(&asked.Fields.Time, string(p.config.EventTime))
	if p.config.Layout != "hive" { // which the first start resolved
		override(&asked.Layout, p.config.Layout)
	}
	override(&asked.Format, p.config.Format)
	return nil
}

func (f *replayFlags) agreeTimes(asked *replay.Spec, now time.Time) error {
	if err := f.agreeWindow(asked, now); err != nil {
		return err
	}
	c := config.Archive{
		Slack:    config.Slack{Before: config.Duration(asked.Before), After: config.Duration(asked.After)},
		Lateness: config.Duration(asked.Lateness), Horizon: config.Duration(asked.Horizon),
	}
	if err := f.overlay(&c); err != nil {
		return err
	}
	asked.Before, asked.After = replay.Duration(c.Slack.Before), replay.Duration(c.Slack.After)
	asked.Lateness, asked.Horizon = replay.Duration(c.Lateness), replay.Duration(c.Horizon)
	return nil
}

// agreeWindow takes the ends of the window that were typed. One that is relative to now is the first start's.
func (f *replayFlags) agreeWindow(asked *replay.Spec, now time.Time) error {
	w := f.window
	for _, end := range []struct {
		text string
		to   *time.Time
	}{{w.from, &asked.Window.From}, {w.to, &asked.Window.To}} {
		if end.text == "" {
			continue
		}
		t, relative, err := parseTime(end.text, w.zone, now)
		if err != nil {
			return err
		}
		if !relative {
			*end.to = t
		}
	}
	if w.length == "" {
		return nil
	}
	var d config.Duration
	err := text(&d, "for", w.length)
	asked.Window.To = asked.Window.From.Add(time.Duration(d))
	return err
}
