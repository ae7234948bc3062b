//go:build unix

package security

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestASecretIsReadFromRegularFilesAndLinksToThemOnly(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	err := errors.Join(os.WriteFile(in("file"), []byte("pw\n"), 0o600), os.Symlink("file", in("link")), os.Symlink("link", in("mounted")),
		syscall.Mkfifo(in("pipe"), 0o600), os.Symlink("pipe", in("to-pipe")))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "link", "mounted"} {
		if got, err := SecretFile("o", in(name)).read(); got != "pw" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, path := range []string{in("pipe"), in("to-pipe"), folder, os.DevNull} { // a pipe that nobody writes would be waited for
		_, err := SecretFile("kafka.sasl.password_file", path).read()
		if err == nil || !strings.Contains(err.Error(), "kafka.sasl.password_file: "+path+" is no regular file") {
			t.Errorf("%s: %v", path, err)
		}
		_, err = TLS{CAFile: path}.config()
		if err == nil || !strings.Contains(err.Error(), "is no regular file") {
			t.Errorf("%s as certificates: %v", path, err)
		}
	}
}
