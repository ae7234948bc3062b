package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// fileKeys are the keys of a configuration that name files, as dotted paths.
func fileKeys(of reflect.Type, path string) (keys []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		key := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case strings.HasSuffix(name, "_file"):
			keys = append(keys, key)
		case f.Type.Kind() == reflect.Struct && f.IsExported():
			keys = append(keys, fileKeys(f.Type, key)...)
		}
	}
	return keys
}

// setFiles names the same file everywhere.
func setFiles(of reflect.Value, file string) {
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("yaml"), ",")
		switch f := of.Field(i); {
		case strings.HasSuffix(name, "_file"):
			f.SetString(file)
		case f.Kind() == reflect.Struct && f.CanSet():
			setFiles(f, file)
		}
	}
}

// TestCheckNamesEveryFileThatCannotBeRead whatever key names it, all at once.
func TestCheckNamesEveryFileThatCannotBeRead(t *testing.T) {
	keys := fileKeys(reflect.TypeFor[Config](), "")
	if len(keys) < 10 {
		t.Fatalf("there are only %q", keys)
	}
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, says string
	}{
		"missing":  {filepath.Join(dir, "missing"), "missing"},
		"a folder": {dir, "is a folder"},
		"there":    {there, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c0 := Default()
			setFiles(reflect.ValueOf(c0).Elem(), c.file)
			err := c0.Files()
			var problems Problems
			if c.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &problems) || len(problems) != len(keys) {
				t.Fatalf("of %d files it names\n%v", len(keys), err)
			}
			for _, key := range keys {
				if !strings.Contains(err.Error(), key+": ") {
					t.Errorf("%s is not named", key)
				}
			}
			if strings.Count(err.Error(), c.says) != len(keys) {
				t.Errorf("it says\n%v", err)
			}
		})
	}
}

// TestCheckFailsForFilesAndShowsTheirLines as it does for all else.
func TestCheckFailsForFilesAndShowsTheirLines(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "replayd.yaml")
	text := "kafka:\n  tls:\n    ca_file: " + dir + "/ca.pem\nserver:\n  auth:\n    tokens_file: " + dir + "/tokens.yaml\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := Check(&out, path, nil)
	if !errors.As(err, new(Problems)) || !strings.Contains(out.String(), path+":3:") || !strings.Contains(out.String(), path+":6:") || !strings.Contains(out.String(), "2 problems") {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, file := range []string{"ca.pem", "tokens.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out.Reset()
	if err := Check(&out, path, nil); err != nil || !strings.Contains(out.String(), ": ok: ") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
