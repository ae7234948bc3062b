package archivetest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Archive is a generated archive: what to store, and what is known of it. It is immutable and safe for concurrent use.
type Archive struct {
	Plan    Plan      // as it was made, defaults filled in
	Objects []*Object // in bytewise order of keys, those that nobody must read included

	mu   sync.Mutex
	free []*press // encoders take a megabyte each, so they are used again
}

// Object is a stored blob. Its bytes are rendered when they are asked for, the same each time.
type Object struct {
	Key      string
	Modified time.Time // when its writer closed it
	Hour     time.Time // start of the hour whose folder it lies in; zero in a flat folder
	Named    time.Time // what its name says of its oldest event; zero when it says nothing
	Ignored  bool      // a mark of some tool: neither read nor counted. With a key that ends in / it has no bytes

	parts []part
	style style
	known atomic.Int64 // stored bytes + 1, once they were rendered
}

// Generate makes the archive of p. It panics when p names a layout, format, codec or window that there is not.
func Generate(p Plan) *Archive {
	p = p.withDefaults()
	check("layout", p.Layout, LayoutPismo, LayoutFirehose, LayoutHive, LayoutFlat)
	check("format", p.Format, FormatJSON, FormatLines, FormatArray)
	check("codec", p.Codec, CodecNone, CodecGzip, CodecZstd, CodecMixed)
	check("window", p.WindowOn, WindowOnEvent, WindowOnArrival)
	g := newGenerator(p)
	g.deliveries()
	objects := g.objects()
	slices.SortFunc(objects, func(a, b *Object) int { return cmp.Compare(a.Key, b.Key) })
	return &Archive{Plan: p, Objects: objects}
}

func check(what, name string, names ...string) {
	if !slices.Contains(names, name) {
		panic(fmt.Sprintf("archivetest: plan with %s %q: there are %s", what, name, strings.Join(names, ", ")))
	}
}

// Bytes are the stored bytes of o.
func (a *Archive) Bytes(o *Object) []byte {
	press := a.press()
	defer a.release(press)
	return slices.Clone(press.stored(o))
}

// Text are the decompressed bytes of o.
func (a *Archive) Text(o *Object) []byte { return newPage(&a.Plan).lay(o).text }

// Entries are what a reader must find in o, in order.
func (a *Archive) Entries(o *Object) []Entry { return newPage(&a.Plan).lay(o).entries }

// Size is the number of o's stored bytes. Unless they were asked for before, they are rendered for it.
func (a *Archive) Size(o *Object) int64 {
	if n := o.known.Load(); n > 0 {
		return n - 1
	}
	return int64(len(a.Bytes(o)))
}

// Files are the stored bytes by key, for archives that fit into memory.
func (a *Archive) Files() map[string][]byte {
	files := make(map[string][]byte, len(a.Objects))
	for _, o := range a.Objects {
		files[o.Key] = a.Bytes(o)
	}
	return files
}

// Write stores the archive in a folder, with its modification times. Keys that end in / become folders.
func (a *Archive) Write(dir string) error {
	err := a.each(a.Objects, func(o *Object, press *press) error {
		if err := write(filepath.Join(dir, filepath.FromSlash(o.Key)), o, press); err != nil {
			return fmt.Errorf("write object %s: %w", o.Key, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

func write(path string, o *Object, press *press) error {
	if strings.HasSuffix(o.Key, "/") {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, press.stored(o), 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, o.Modified, o.Modified)
}

// each calls do for objects on all cores, each with a press that is its own for the call.
func (a *Archive) each(objects []*Object, do func(*Object, *press) error) error {
	var group errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	var next atomic.Int64
	for range workers {
		group.Go(func() error {
			press := a.press()
			defer a.release(press)
			for i := next.Add(1) - 1; i < int64(len(objects)); i = next.Add(1) - 1 {
				if err := do(objects[i], press); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// press makes stored bytes; its buffers serve one object after the other.
type press struct {
	page    *page
	encoder encoder
}

func (a *Archive) press() *press {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		p := a.free[n-1]
		a.free = a.free[:n-1]
		return p
	}
	return &press{page: newPage(&a.Plan)}
}

func (a *Archive) release(p *press) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, p)
}

// stored are the bytes of o until the next call.
func (pr *press) stored(o *Object) []byte {
	b := pr.encoder.encode(pr.page.lay(o).text, o.style)
	o.known.Store(int64(len(b)) + 1)
	return b
}
