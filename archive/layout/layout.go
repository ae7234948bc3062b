// Package layout maps the hours of an archive to the keys of its objects, one file per family of archivers.
//
// A layout is a pure function of its name, which the frozen spec of a replay holds. Names that leave a choice open
// ("hive", or none at all) are resolved once, by a look at the first keys of the archive.
package layout

import (
	"context"
	"fmt"
	"strings"
	"time"

	"replayd/archive"
)

// sample is how many keys a layout is recognised by. Firehose error folders and markers may come first.
const sample = 100

// patience is how long a store is asked for them.
const patience = time.Minute

// Unrecognised says that a name, or the keys of an archive, tell no layout.
type Unrecognised struct{ text string }

func (e *Unrecognised) Error() string { return e.text }

func unrecognised(format string, args ...any) error {
	return &Unrecognised{fmt.Sprintf(format, args...)}
}

// Named returns the layout of a resolved name: pismo, firehose, jsonl, or a template such as dt=%Y-%m-%d/hr=%H/.
func Named(name string) (archive.Layout, error) {
	switch {
	case name == "pismo":
		return Pismo(), nil
	case name == "firehose":
		return Firehose(), nil
	case name == "jsonl":
		return Flat{}, nil
	case strings.Contains(name, "%"):
		return NewTemplate(name)
	}
	return nil, unrecognised("layout %q is not known: pismo, firehose, hive, jsonl, or a template such as %%Y/%%m/%%d/%%H/", name)
}

// Resolve returns the layout that name means for store. For "hive" and for the empty name it reads the first keys of
// the store.
func Resolve(ctx context.Context, store archive.Store, name string) (archive.Layout, error) {
	if name != "" && name != "hive" {
		return Named(name)
	}
	candidates := Hive()
	if name == "" {
		candidates = append([]*Template{Pismo(), Firehose()}, candidates...)
	}
	keys, err := firstKeys(ctx, store)
	if err != nil {
		return nil, err
	}
	for _, t := range candidates {
		for _, key := range keys {
			if t.matches(key) {
				return t, nil
			}
		}
	}
	switch {
	case len(keys) == 0:
		return nil, unrecognised("%s holds no objects\nCheck the address and prefix, or name the layout with --layout", store)
	case name == "hive":
		return nil, unrecognised("%s has no folders such as dt=2026-11-01/hr=03/; its first key is %s", store, archive.Printable(keys[0]))
	}
	return Flat{}, nil
}

func firstKeys(ctx context.Context, store archive.Store) ([]string, error) {
	fetcher := &archive.Fetcher{Store: store, GiveUp: patience}
	var keys []string
	for o, err := range fetcher.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", store, err)
		}
		if !archive.Ignored(o.Key) {
			keys = append(keys, o.Key)
		}
		if len(keys) == sample {
			break
		}
	}
	return keys, nil
}
