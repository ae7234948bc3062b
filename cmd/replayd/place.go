package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"replayd/archive"
	"replayd/archive/dir"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/archive/s3"
	"replayd/config"
)

// placeFlags say where an archive is and how it is read.
type placeFlags struct {
	archive, preset, layout, format string
	endpoint, region, profile       string
	pathStyle                       bool
}

// place is an archive as it was asked for: its name, and its configuration with what the flags changed.
type place struct {
	name   string
	config config.Archive
	preset archive.Preset
}

// place finds the archive that the flags name.
func (a *app) place(f placeFlags) (*place, error) {
	p := &place{name: f.archive, config: config.DefaultArchive()}
	if isPlace(f.archive) {
		p.config.URL = []string{f.archive}
	} else {
		known, ok := a.config.Archives[f.archive]
		if !ok {
			return nil, usage("archive %q is not in the configuration%s; a place has a slash: ./folder, s3://bucket/prefix", f.archive, a.archiveNames())
		}
		p.config = known
	}
	if len(p.config.URL) != 1 {
		return nil, usage("archive %s has %d addresses; one is supported", p.name, len(p.config.URL))
	}
	if archive.HasLogin(p.config.URL[0]) {
		return nil, usage("archive: %w", archive.ErrLogin)
	}
	p.config.URL = []string{wherever(p.config.URL[0])}
	override(&p.config.Preset, f.preset)
	override(&p.config.Layout, f.layout)
	override(&p.config.Format, f.format)
	override(&p.config.S3.Endpoint, f.endpoint)
	override(&p.config.S3.Region, f.region)
	override(&p.config.S3.Profile, f.profile)
	p.config.S3.PathStyle = p.config.S3.PathStyle || f.pathStyle
	return p, p.applyPreset()
}

// wherever makes the path of a folder absolute: a replay is continued from other folders, too.
func wherever(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	path, err := filepath.Abs(address)
	if err != nil {
		return address
	}
	return path
}

// archiveNames goes on after "the configuration".
func (a *app) archiveNames() string {
	if len(a.config.Archives) == 0 {
		return ""
	}
	return ", which has " + strings.Join(slices.Sorted(maps.Keys(a.config.Archives)), ", ")
}

func override[T ~string](to *T, value string) {
	if value != "" {
		*to = T(value)
	}
}

// applyPreset fills what neither flags nor configuration say.
func (p *place) applyPreset() error {
	c := &p.config
	if c.Preset == "" {
		return nil
	}
	preset, ok := archive.PresetNamed(c.Preset)
	if !ok {
		return usage("preset %q is not known: %s", c.Preset, strings.Join(archive.PresetNames(), ", "))
	}
	p.preset = preset
	fill(&c.Layout, preset.Layout)
	fill(&c.Format, preset.Format)
	fill(&c.EventID, preset.ID)
	fill(&c.EventTime, preset.Time)
	fill(&c.Arrival, preset.Arrival)
	if c.Volatile == nil {
		c.Volatile = preset.Volatile
	}
	return nil
}

func fill[T ~string](to *T, value T) {
	if *to == "" {
		*to = value
	}
}

// store opens the archive's store.
func (p *place) store(ctx context.Context) (archive.Store, error) {
	address := p.config.URL[0]
	u, err := url.Parse(address)
	switch {
	case strings.HasPrefix(address, "s3://"):
		return p.bucket(ctx, address)
	case strings.HasPrefix(address, "file://") && err == nil:
		return dir.Open(u.Path)
	case strings.Contains(address, "://"):
		return nil, usage("archive %q: s3://bucket/prefix, file:///folder or a folder", address)
	}
	return dir.Open(address)
}

func (p *place) bucket(ctx context.Context, address string) (archive.Store, error) {
	bucket, prefix, err := s3.Address(address)
	if err != nil {
		return nil, usage("archive %w", err)
	}
	c := p.config.S3
	return s3.Open(ctx, s3.Options{
		Bucket: bucket, Prefix: prefix, Region: c.Region, Profile: c.Profile, Endpoint: c.Endpoint, PathStyle: c.PathStyle,
		AssumeRole: c.AssumeRole, ExternalID: c.ExternalID, SessionName: c.SessionName, RequesterPays: c.RequesterPays,
	})
}

// source opens the archive, recognising what nobody named. It reports in words what was recognised.
func (p *place) source(ctx context.Context) (archive.Source, string, error) {
	src, said, err := p.recognise(ctx)
	return src, said, unreadable(err)
}

func (p *place) recognise(ctx context.Context) (archive.Source, string, error) {
	store, err := p.store(ctx)
	if err != nil {
		return archive.Source{}, "", err
	}
	src := archive.Source{Store: store, Decoder: func() archive.Decoder { return &format.Decoder{} }}
	asked := p.config.Layout
	if src.Layout, err = layout.Resolve(ctx, store, asked); err != nil {
		return src, "", unrecognised(err)
	}
	said := ""
	if asked == "" || asked == "hive" {
		said = "layout " + src.Layout.Name()
	}
	name := p.config.Format
	if name == "" {
		if name, err = recogniseFormat(ctx, store); err != nil {
			return src, "", err
		}
		said = strings.TrimPrefix(said+", format "+name, ", ")
	}
	if src.Format, err = format.Named(name); err != nil {
		return src, "", usage("%w", err)
	}
	return src, said, nil
}

// looked is how many objects are opened to recognise a format: the first may be empty.
const looked = 5

// recogniseFormat looks into the first objects.
func recogniseFormat(ctx context.Context, store archive.Store) (string, error) {
	fetcher := &archive.Fetcher{Store: store, Stall: 30 * time.Second, GiveUp: time.Minute}
	tried := 0
	for o, err := range fetcher.List(ctx, "") {
		if err != nil {
			return "", fmt.Errorf("list %s: %w", store, err)
		}
		if archive.Ignored(o.Key) || o.Size == 0 {
			continue
		}
		name, err := lookInto(ctx, fetcher, o)
		if name != "" || err != nil {
			return name, err
		}
		if tried++; tried == looked {
			break
		}
	}
	return "", usage("the format of %s is not recognised: name it with --format (json, jsonl, json-array)", store)
}

// lookInto returns the name of an object's format, empty when its beginning does not tell.
func lookInto(ctx context.Context, f *archive.Fetcher, o archive.Object) (string, error) {
	body := f.Open(ctx, o)
	defer func() { _ = body.Close() }()
	decoder := &format.Decoder{}
	defer decoder.Close()
	plain, err := decoder.Decode(body)
	if err != nil {
		return "", fmt.Errorf("open object %s: %w", archive.Printable(o.Key), err)
	}
	head := make([]byte, format.HeadSize)
	n, err := io.ReadFull(plain, head)
	var codec *format.CodecError
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.As(err, &codec) {
		return "", fmt.Errorf("read object %s: %w", archive.Printable(o.Key), err)
	}
	name, _ := format.Recognise(head[:n])
	return name, nil
}

// unrecognised makes a usage error of a layout that the keys do not tell; what the store said stays what it is.
func unrecognised(err error) error {
	var unknown *layout.Unrecognised
	if errors.As(err, &unknown) {
		return usage("%w", err)
	}
	return err
}
