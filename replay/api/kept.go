package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	lookEvery = time.Second // at files that may change
	maxFile   = 4 << 20     // far above any of them, and keeps a wrong path from being read as one
)

// kept is what was made of files, and is made again when their content has changed. While a file cannot be used, as while
// somebody writes it, what was made before holds, and that is logged.
type kept[T any] struct {
	paths []string
	from  func(texts [][]byte) (T, error)
	log   zerolog.Logger
	gone  string // what it means that a file is not there any more, by which nothing is left; empty: as one that cannot be used

	mu     sync.Mutex
	looked time.Time
	texts  [][]byte
	value  T
	failed string // what is wrong with the files now, which was logged
}

// keep reads the files once, so that one that cannot be used is told at the start.
func keep[T any](log zerolog.Logger, from func([][]byte) (T, error), paths ...string) (*kept[T], error) {
	k := &kept[T]{paths: paths, from: from, log: log}
	return k, k.look()
}

// get is the newest that could be made, as of the last second.
func (k *kept[T]) get() T {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < lookEvery {
		return k.value
	}
	said := "a file has changed and cannot be used; what it held before still counts"
	err := k.look()
	if k.gone != "" && errors.Is(err, fs.ErrNotExist) {
		var nothing T
		k.texts, k.value, said = nil, nothing, k.gone
	}
	switch {
	case err == nil:
		k.failed = ""
	case err.Error() != k.failed:
		k.failed = err.Error()
		k.log.Error().Err(err).Msg(said)
	}
	return k.value
}

func (k *kept[T]) look() error {
	k.looked = time.Now()
	var texts [][]byte
	for _, path := range k.paths {
		text, err := readFile(path)
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	if slices.EqualFunc(texts, k.texts, bytes.Equal) {
		return nil
	}
	value, err := k.from(texts)
	if err != nil {
		return err
	}
	k.texts, k.value = texts, value
	return nil
}

// readFile reads regular files, and links to them, as those that a mounted secret is behind.
func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file (%s): name one", path, info.Mode())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New(path + " is larger than 4 MiB: it is something else")
	}
	return text, err
}
