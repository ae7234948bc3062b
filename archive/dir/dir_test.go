package dir_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest/suite"
	"replayd/archive/dir"
)

func TestFolderIsAStore(t *testing.T) {
	suite.TestStore(t, func(t *testing.T, files map[string][]byte) archive.Store {
		folder := t.TempDir()
		for key, data := range files {
			write(t, filepath.Join(folder, key), string(data))
		}
		return open(t, folder)
	})
}

func TestFolderThatCannotServeIsPermanentAndNamed(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "file"), "x")
	for _, path := range []string{filepath.Join(folder, "none"), filepath.Join(folder, "file")} {
		_, err := dir.Open(path)
		if permanent(t, err); !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name %s", err, path)
		}
	}
}

func TestAddressIsTheAbsolutePath(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(filepath.Dir(folder))
	if s := open(t, filepath.Base(folder)); s.String() != folder {
		t.Errorf("%s, want %s", s, folder)
	}
}

func TestKeysNeverLeaveTheFolder(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "x")
	folder := filepath.Join(outside, "archive")
	write(t, filepath.Join(folder, "a"), "x")
	s := open(t, folder)
	for _, key := range []string{"../secret", filepath.Join(outside, "secret"), "a/../../secret", "./a", "a/", "", ".."} {
		_, err := s.Open(t.Context(), archive.Object{Key: key, Size: 1}, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v", key, err)
		}
	}
	for _, prefix := range []string{"../", "../sec", outside, "/", "./", "a/../", "//"} {
		if keys := list(t, s, prefix); len(keys) != 0 {
			t.Errorf("prefix %q lists %q", prefix, keys)
		}
	}
}

func TestFileThatChangesWhileItIsReadIsChanged(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"grows":             func(t *testing.T, path string) { write(t, path, strings.Repeat("x", 3000)) },
		"shrinks":           func(t *testing.T, path string) { truncate(t, path, 1500) },
		"touched":           func(t *testing.T, path string) { touch(t, path, time.Unix(1, 0)) },
		"rewritten":         func(t *testing.T, path string) { write(t, path, strings.Repeat("y", 2000)) },
		"shrinks, and more": func(t *testing.T, path string) { truncate(t, path, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a")
			write(t, path, strings.Repeat("x", 2000))
			s := open(t, filepath.Dir(path))
			body, err := s.Open(t.Context(), only(t, s), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			change(t, path)
			if rest, err := io.ReadAll(body); !errors.Is(err, archive.ErrChanged) || len(rest) > 0 {
				t.Errorf("%d bytes more of another file, and %v, want ErrChanged", len(rest), err)
			}
		})
	}
}

// A replaced file is another object, but a body that is open goes on with the bytes it was opened on.
func TestFileThatIsReplacedWhileItIsReadIsReadToItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "old")
	s := open(t, filepath.Dir(path))
	o := only(t, s)
	body, err := s.Open(t.Context(), o, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	write(t, path+".new", "newer")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); err != nil || string(got) != "old" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := s.Open(t.Context(), o, 0); !errors.Is(err, archive.ErrChanged) {
		t.Errorf("opened again: %v, want ErrChanged", err)
	}
}

func TestFolderThatGoesAwayIsWorthARetryAndServesAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "mount")
	write(t, filepath.Join(folder, "a"), "x")
	s := open(t, folder)
	o := only(t, s)
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), o, 0); !archive.Curable(err) {
		t.Errorf("open: %v, want an error worth a retry", err)
	}
	for _, prefix := range []string{"", "a", "b/c"} {
		if _, err := listed(t.Context(), s, prefix); !archive.Curable(err) {
			t.Errorf("list %q: %v, want an error worth a retry", prefix, err)
		}
	}
	if err := os.Rename(folder+"-away", folder); err != nil {
		t.Fatal(err)
	}
	if keys := list(t, s, ""); len(keys) != 1 {
		t.Errorf("listed %q after it came back", keys)
	}
}

func TestLinks(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "real", "a"), "x")
	for link, target := range map[string]string{
		"file": "real/a", "folder": "real", "real/up": "..", "self": ".",
	} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, folder)
	for prefix, want := range map[string][]string{
		"":        {"file", "folder/a", "real/a"}, // and no loops
		"folder/": {"folder/a"},
		"fi":      {"file"},
		"self/":   {"self/file", "self/folder/a", "self/real/a"},
	} {
		if keys := list(t, s, prefix); !slices.Equal(keys, want) {
			t.Errorf("prefix %q: %q, want %q", prefix, keys, want)
		}
	}
}

func TestLinksSortAsWhatTheyLeadTo(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "z", "1"), "x")
	write(t, filepath.Join(folder, "a.b"), "x")
	if err := os.Symlink("z", filepath.Join(folder, "a")); err != nil {
		t.Fatal(err)
	}
	if keys := list(t, open(t, folder), ""); !slices.Equal(keys, []string{"a.b", "a/1", "z/1"}) {
		t.Errorf("%q", keys)
	}
}

func TestLinkThatCannotBeFollowedIsAnErrorWithACure(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "big", "a"), "x")
	for name, target := range map[string]string{
		"absolute out": filepath.Join(outside, "big"), "relative out": "../big", "dangling": "none", "circular": "link",
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(outside, strings.ReplaceAll(name, " ", "-"))
			write(t, filepath.Join(folder, "a"), "x")
			if err := os.Symlink(target, filepath.Join(folder, "link")); err != nil {
				t.Fatal(err)
			}
			s := open(t, folder)
			keys, err := listed(t.Context(), s, "")
			if permanent(t, err); !strings.Contains(err.Error(), filepath.Join(folder, "link")) {
				t.Errorf("%v does not name the link", err)
			}
			if !slices.Equal(keys, []string{"a"}) {
				t.Errorf("listed %q before it", keys)
			}
			if keys := list(t, s, "a"); len(keys) != 1 {
				t.Errorf("prefix that leaves the link out: %q", keys)
			}
		})
	}
}

func TestDeniedIsPermanentWithACure(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a"), "x")
	write(t, filepath.Join(folder, "b", "c"), "x")
	s := open(t, folder)
	o := only(t, s)
	for _, path := range []string{"a", "b"} {
		if err := os.Chmod(filepath.Join(folder, path), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(folder, "b"), 0o700) })
	mortal(t)
	_, err := s.Open(t.Context(), o, 0)
	permanent(t, err)
	_, err = listed(t.Context(), s, "")
	permanent(t, err)
}

func TestWhatIsNoFileIsNoObject(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a"), "x")
	pipe(t, filepath.Join(folder, "pipe"))
	s := open(t, folder)
	if keys := list(t, s, ""); !slices.Equal(keys, []string{"a"}) {
		t.Errorf("listed %q", keys)
	}
	if _, err := s.Open(t.Context(), archive.Object{Key: "pipe"}, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
}

func open(t *testing.T, folder string) *dir.Store {
	t.Helper()
	s, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// only is the first object of the store.
func only(t *testing.T, s *dir.Store) archive.Object {
	t.Helper()
	for o, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	t.Fatal("nothing listed")
	return archive.Object{}
}

func list(t *testing.T, s *dir.Store, prefix string) []string {
	t.Helper()
	keys, err := listed(t.Context(), s, prefix)
	if err != nil {
		t.Fatalf("list %q: %v", prefix, err)
	}
	return keys
}

func listed(ctx context.Context, s *dir.Store, prefix string) ([]string, error) {
	var keys []string
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, o.Key)
	}
	return keys, nil
}

func permanent(t *testing.T, err error) {
	t.Helper()
	var p *archive.Permanent
	if !errors.As(err, &p) || p.Cure == "" {
		t.Fatalf("%v, want a Permanent error with a cure", err)
	}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}
