// Package suite holds the conformance suites that every Store and every Format passes.
package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"replayd/archive"
)

// TestStore proves that a Store keeps its contract. Each part asks newStore for a store that holds exactly files, and
// may run while others still hold theirs.
func TestStore(t *testing.T, newStore func(t *testing.T, files map[string][]byte) archive.Store) {
	t.Helper()
	for name, test := range map[string]func(*storeTest){
		"lists in bytewise order of whole keys":                 (*storeTest).order,
		"lists what begins with the prefix":                     (*storeTest).prefixes,
		"lists more than one page":                              (*storeTest).pages,
		"lists as often as asked and as far as wanted":          (*storeTest).partly,
		"describes objects as they are":                         (*storeTest).description,
		"reads keys of any shape":                               (*storeTest).keys,
		"reads from any offset":                                 (*storeTest).offsets,
		"reads for many at once":                                (*storeTest).concurrent,
		"an object that is gone is not there":                   (*storeTest).gone,
		"an object of another size is changed":                  (*storeTest).resized,
		"another version of an object is changed":               (*storeTest).rewritten,
		"a context that has ended ends listings and requests":   (*storeTest).ended,
		"a context that ends stops a body":                      (*storeTest).stopped,
		"an empty store lists nothing and has an address still": (*storeTest).empty,
	} {
		t.Run(name, func(t *testing.T) { test(&storeTest{T: t, newStore: newStore}) })
	}
}

type storeTest struct {
	*testing.T
	newStore func(*testing.T, map[string][]byte) archive.Store
}

// storeKeys are unusual, yet such that a folder, S3 and versitygw can all hold them: no key is another's folder.
var storeKeys = []string{
	"a-/1", "a.b", "a.b.c/1", "a/b", "a/b.c/1", "a/b/c", "a0", "aa/b",
	"2026/11/01/03/stream-1-2026-11-01-03-04-05-6f0f", "2026/11/01/03/stream-1-2026-11-01-03-04-05-6f0g.gz",
	"2026/11/01/04/x", "2026/11/01/040/x",
	".hidden/.file", "_SUCCESS", "Z", "~",
	"with space/and more.json", "plus+plus", "100%", "%41", "colon:12:30", "hash#1", "question?x=1&y=2", `quote"'`,
	"équipe/données", "e\u0301quipe", "日本/東京", "🎉", "semi;colon,comma=equals@at!$()*",
}

func storeFiles() map[string][]byte {
	files := map[string][]byte{}
	for _, key := range storeKeys {
		if key != "a/b" { // a/b/c makes it a folder
			files[key] = []byte("content of " + key)
		}
	}
	return files
}

func (t *storeTest) order() {
	files := storeFiles()
	t.equalKeys(t.list(t.newStore(t.T, files), ""), slices.Sorted(maps.Keys(files)))
}

func (t *storeTest) prefixes() {
	files := storeFiles()
	s := t.newStore(t.T, files)
	for _, prefix := range []string{
		"a", "a/", "a/b", "a/b/", "a/b/c", "a/b/c/", "a.", "a.b", "A", "2026/11/01/03/", "2026/11/01/03", "2026/11/01/04", "2026/11/01/04/",
		"2026/11/01/03/stream-1-2026-11-01-03-04-05-6f0g", "2026/12/", "none/such", ".hid", "with space/", "plus+", "100%", "%", "%4", "colon:",
		"équipe/", "é", "e\u0301", "日本/", "question?x", "_", "~",
	} {
		var want []string
		for _, key := range slices.Sorted(maps.Keys(files)) {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		t.Run(prefix, func(inner *testing.T) {
			sub := storeTest{T: inner}
			sub.equalKeys(sub.list(s, prefix), want)
		})
	}
}

// storePages is more than two pages of S3's thousand.
const storePages = 2500

func manyFiles() map[string][]byte {
	files := map[string][]byte{}
	for i := range storePages {
		files[fmt.Sprintf("hour/%02d/object-%d", i%3, i)] = []byte{byte(i)}
	}
	return files
}

func (t *storeTest) pages() {
	files := manyFiles()
	t.equalKeys(t.list(t.newStore(t.T, files), ""), slices.Sorted(maps.Keys(files)))
}

func (t *storeTest) partly() {
	files := manyFiles()
	s := t.newStore(t.T, files)
	taken := 0
	for _, err := range s.List(t.Context(), "hour/") {
		if err != nil {
			t.Fatal(err)
		}
		if taken++; taken == 1001 {
			break
		}
	}
	sequence := s.List(t.Context(), "hour/01/")
	first := t.collect(sequence)
	t.equalKeys(t.collect(sequence), keysOf(first))
	if len(first) != (storePages+1)/3 {
		t.Fatalf("listed %d of %d", len(first), (storePages+1)/3)
	}
}

func (t *storeTest) description() {
	files := storeFiles()
	files["empty"] = nil
	for _, o := range t.list(t.newStore(t.T, files), "") {
		if o.Size != int64(len(files[o.Key])) {
			t.Errorf("%s: size %d, want %d", o.Key, o.Size, len(files[o.Key]))
		}
		if o.Modified.IsZero() {
			t.Errorf("%s: no modification time", o.Key)
		}
	}
}

func (t *storeTest) keys() {
	files := storeFiles()
	s := t.newStore(t.T, files)
	for _, o := range t.list(s, "") {
		t.equalBytes(o.Key, t.read(s, o, 0), files[o.Key])
	}
}

func (t *storeTest) offsets() {
	data := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	s := t.newStore(t.T, map[string][]byte{"folder/object": data, "folder/none": nil})
	objects := t.list(s, "folder/")
	t.equalBytes("an empty object", t.read(s, objects[0], 0), nil)
	for _, offset := range []int{0, 1, len(data) / 2, len(data) - 1, len(data)} {
		t.equalBytes(fmt.Sprint("offset ", offset), t.read(s, objects[1], int64(offset)), data[offset:])
	}
}

func (t *storeTest) concurrent() {
	files := storeFiles()
	s := t.newStore(t.T, files)
	objects := t.list(s, "")
	var readers sync.WaitGroup
	for _, o := range objects {
		readers.Go(func() {
			got, err := readObject(t.Context(), s, o, 1)
			if err != nil || !bytes.Equal(got, files[o.Key][1:]) {
				t.Errorf("%s: read %q, %v", o.Key, got, err)
			}
		})
	}
	readers.Wait()
}

func (t *storeTest) gone() {
	s := t.newStore(t.T, map[string][]byte{"folder/a": []byte("x")})
	o := t.list(s, "")[0]
	for _, key := range []string{"folder/b", "other/a", "folder/a/b", "folder"} {
		o.Key = key
		_, err := readObject(t.Context(), s, o, 0)
		if !errors.Is(err, fs.ErrNotExist) || archive.Curable(err) {
			t.Errorf("%s: %v, want fs.ErrNotExist", key, err)
		}
	}
}

func (t *storeTest) resized() {
	s := t.newStore(t.T, map[string][]byte{"a": []byte("12345")})
	for _, size := range []int64{4, 6} {
		o := t.list(s, "")[0]
		o.Size = size
		for _, offset := range []int64{0, 3} {
			t.changed(s, o, offset)
		}
	}
}

func (t *storeTest) rewritten() {
	s := t.newStore(t.T, map[string][]byte{"a": []byte("12345")})
	o := t.list(s, "")[0]
	if o.ETag != "" {
		o.ETag = `"00000000000000000000000000000000"`
	}
	o.Modified = o.Modified.Add(-time.Minute)
	t.changed(s, o, 0)
	t.changed(s, o, 2)
}

func (t *storeTest) changed(s archive.Store, o archive.Object, offset int64) {
	t.Helper()
	_, err := readObject(t.Context(), s, o, offset)
	if !errors.Is(err, archive.ErrChanged) {
		t.Errorf("%+v from %d: %v, want ErrChanged", o, offset, err)
	}
}

func (t *storeTest) ended() {
	s := t.newStore(t.T, map[string][]byte{"a": []byte("x"), "b": []byte("y")})
	o := t.list(s, "")[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := 0
	for o, err := range s.List(ctx, "") {
		if calls++; !errors.Is(err, context.Canceled) {
			t.Errorf("listed %v, %v, want the context's error", o, err)
		}
	}
	if calls != 1 {
		t.Errorf("yielded %d times, want the error and no more", calls)
	}
	if _, err := s.Open(ctx, o, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v, want the context's error", err)
	}
}

func (t *storeTest) stopped() {
	s := t.newStore(t.T, map[string][]byte{"a": make([]byte, 8<<20)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body, err := s.Open(ctx, t.list(s, "")[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, body); !errors.Is(err, context.Canceled) {
		t.Errorf("read after the end of the context: %v", err)
	}
}

func (t *storeTest) empty() {
	s := t.newStore(t.T, nil)
	if objects := t.list(s, ""); len(objects) != 0 {
		t.Errorf("listed %v", objects)
	}
	if s.String() == "" {
		t.Error("no address")
	}
}

func (t *storeTest) list(s archive.Store, prefix string) []archive.Object {
	t.Helper()
	return t.collect(s.List(t.Context(), prefix))
}

func (t *storeTest) collect(sequence func(func(archive.Object, error) bool)) []archive.Object {
	t.Helper()
	var list []archive.Object
	for o, err := range sequence {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func (t *storeTest) read(s archive.Store, o archive.Object, offset int64) []byte {
	t.Helper()
	b, err := readObject(t.Context(), s, o, offset)
	if err != nil {
		t.Fatalf("%s from %d: %v", o.Key, offset, err)
	}
	return b
}

func readObject(ctx context.Context, s archive.Store, o archive.Object, offset int64) ([]byte, error) {
	body, err := s.Open(ctx, o, offset)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func keysOf(objects []archive.Object) []string {
	var list []string
	for _, o := range objects {
		list = append(list, o.Key)
	}
	return list
}

func (t *storeTest) equalKeys(objects []archive.Object, want []string) {
	t.Helper()
	got := keysOf(objects)
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("listed %d keys, want %d; they part at %d: %q, want %q", len(got), len(want), i, got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
		}
	}
}

func (t *storeTest) equalBytes(what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: read %d bytes %.40q, want %d bytes %.40q", what, len(got), got, len(want), want)
	}
}
