package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"replayd/archive"
)

// List yields the files whose keys begin with prefix. It reads one folder at a time, holding the names of the folders
// on the way down to it, and looks at no folder that the prefix rules out.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		w := &walk{ctx: ctx, store: s, prefix: prefix, yield: yield}
		if err := w.list(); err != nil && !errors.Is(err, errEnough) {
			yield(archive.Object{}, fmt.Errorf("list %s: %w", s.path, err))
		}
	}
}

// errEnough ends a walk whose caller takes no more.
var errEnough = errors.New("listing is no longer wanted")

// walk is one listing.
type walk struct {
	ctx    context.Context
	store  *Store
	root   *os.Root
	prefix string
	yield  func(archive.Object, error) bool

	above []fs.FileInfo // the folders from the root down to the one being read: what a link must not lead back to
}

func (w *walk) list() error {
	root, err := w.store.root()
	if err != nil {
		return away(err, w.store.path)
	}
	defer root.Close()
	w.root = root

	start, _ := path.Split(w.prefix) // no other folder can hold a matching key
	start = strings.TrimSuffix(start, "/")
	if start != "" && !isKey(start) || strings.HasPrefix(w.prefix, "/") {
		return nil
	}
	found, err := w.descend(start)
	if err != nil || !found {
		return err
	}
	return w.folder(start)
}

// descend notes the folders from the root down to start. It reports false when one is not there or is no folder.
func (w *walk) descend(start string) (bool, error) {
	at := "."
	for _, name := range append([]string{"."}, strings.Split(start, "/")...) {
		at = path.Join(at, name)
		info, err := w.root.Stat(at)
		if err != nil {
			return false, w.gone(err, at)
		}
		if !info.IsDir() {
			return false, nil
		}
		w.above = append(w.above, info)
	}
	return true, nil
}

// folder yields what is below key, "" for the root.
func (w *walk) folder(key string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	names, err := w.entries(key)
	if err != nil {
		return w.gone(err, key)
	}
	for _, e := range names {
		if err := w.entry(path.Join(key, e.name), e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(key string, e entry) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if !overlaps(key+e.slash(), w.prefix) {
		return nil
	}
	info, err := w.root.Stat(key)
	switch {
	case err != nil && e.link:
		return fmt.Errorf("%s: %w", w.store.place(key), linkError(err, w.store.place(key)))
	case err != nil:
		return w.gone(err, key)
	case info.IsDir():
		return w.below(key, info)
	case info.Mode().IsRegular() && strings.HasPrefix(key, w.prefix):
		return w.object(key, info)
	}
	return nil
}

// below walks the folder info, unless a link led back to a folder that is being walked: its files are listed there.
func (w *walk) below(key string, info fs.FileInfo) error {
	for _, a := range w.above {
		if os.SameFile(a, info) {
			return nil
		}
	}
	w.above = append(w.above, info)
	err := w.folder(key)
	w.above = w.above[:len(w.above)-1]
	return err
}

func (w *walk) object(key string, info fs.FileInfo) error {
	if !w.yield(archive.Object{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil) {
		return errEnough
	}
	return nil
}

// gone is nil for what was removed while it was being listed, as if the listing had come a moment later.
func (w *walk) gone(err error, key string) error {
	err = fileError(err, w.store.place(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%s: %w", w.store.place(key), err)
}

// entry is a name in a folder.
type entry struct {
	name   string
	folder bool // or a link to one
	link   bool
}

// slash is what follows the name in keys.
func (e entry) slash() string {
	if e.folder {
		return "/"
	}
	return ""
}

// entries are the names in a folder in the order of the keys they stand for: a folder sorts with its slash.
func (w *walk) entries(key string) ([]entry, error) {
	f, err := w.root.Open(path.Join(".", key))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	names := make([]entry, len(found))
	for i, d := range found {
		names[i] = w.classify(key, d)
	}
	slices.SortFunc(names, func(a, b entry) int {
		return strings.Compare(a.name+a.slash(), b.name+b.slash())
	})
	return names, nil
}

// classify asks where a link leads, because that decides its place in the order. One that leads nowhere is a file
// here and an error when its turn comes.
func (w *walk) classify(key string, d fs.DirEntry) entry {
	e := entry{name: d.Name(), folder: d.IsDir(), link: d.Type()&fs.ModeSymlink != 0}
	if e.link {
		info, err := w.root.Stat(path.Join(key, e.name))
		e.folder = err == nil && info.IsDir()
	}
	return e
}

// overlaps reports whether key is inside prefix or, for a folder's key, on the way to it.
func overlaps(key, prefix string) bool {
	return strings.HasPrefix(key, prefix) ||
		strings.HasSuffix(key, "/") && strings.HasPrefix(prefix, key)
}
