package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// YAML is the effective configuration as a file would hold it, secrets masked.
func (c *Config) YAML() ([]byte, error) {
	text, err := yaml.MarshalWithOptions(c, yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("marshal config: %w", err)
	}
	return bytes.ReplaceAll(text, []byte("${"), []byte("$${")), nil
}

// Check does what config check does: it loads, looks whether the files that are named can be read, and writes all problems and their
// number, or one line that says what was found. The error is Load's or that of Files; when it is Problems, it has been written.
func Check(w io.Writer, path string, environ []string) error {
	c, err := Load(path, environ)
	if err == nil {
		err = c.Files()
	}
	if problems := Problems(nil); errors.As(err, &problems) {
		_, writeErr := fmt.Fprintln(w, problems)
		return errors.Join(err, writeErr)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, c.Summary())
	return err
}

// Summary says in a line which file was read and what it defines.
func (c *Config) Summary() string {
	file := c.File()
	if file == "" {
		file = "no file (looked for " + strings.Join(searchPath, ", ") + ")"
	}
	return fmt.Sprintf("%s: ok: %s, %s, Kafka at %s", file,
		listed("archive", c.Archives), listed("target", c.Targets), strings.Join(c.Kafka.Brokers, ","))
}

func listed[V any](what string, m map[string]V) string {
	if len(m) == 0 {
		return "no " + what + "s"
	}
	return fmt.Sprintf("%s (%s)", count(len(m), what), strings.Join(slices.Sorted(maps.Keys(m)), ", "))
}
