package security

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// OptionError says that an option cannot be used as it is: a file that is not there, or does not hold what it should.
type OptionError struct {
	Option string // as the configuration file names it: kafka.tls.ca_file
	Err    error
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Err.Error() }
func (e *OptionError) Unwrap() error { return e.Err }

// Secret is a password or a token. It prints as the option that it came from.
type Secret struct {
	option, path string
	text         string // when it does not stand in a file
}

// SecretText is a secret that option holds itself.
func SecretText(option, text string) Secret { return Secret{option: option, text: text} }

// SecretFile is a secret in a file, without the line breaks at its end. It is read each time that it is needed.
func SecretFile(option, path string) Secret { return Secret{option: option, path: path} }

// Format keeps every verb of fmt from the secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.origin()) }

// origin says where to look for a wrong secret.
func (s Secret) origin() string {
	if s.path == "" {
		return s.option
	}
	return s.path + " (" + s.option + ")"
}

func (s Secret) read() (string, error) {
	if s.path == "" {
		return s.text, nil
	}
	text, err := readFile(s.option, s.path)
	secret := strings.TrimRight(string(text), "\r\n")
	if err == nil && secret == "" {
		err = &OptionError{s.option, fmt.Errorf("%s is empty", s.path)}
	}
	return secret, err
}

// maxFile is far above any certificate bundle, and keeps a wrong path from being read as one.
const maxFile = 4 << 20

// readFile follows links, as those that a mounted secret is behind. What is no regular file is not opened: a pipe may never be
// written, and could not be read again by the next connection.
func readFile(option, path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &OptionError{option, fmt.Errorf("%s is no regular file (%s): name one", path, info.Mode())}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &OptionError{option, err}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New(path + " is larger than 4 MiB: it is something else")
	}
	if err != nil {
		return nil, &OptionError{option, err}
	}
	return text, nil
}
