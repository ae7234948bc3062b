package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// searchPath is where a configuration is looked for when none is named. None is needed.
var searchPath = []string{"./replayd.yaml", "/etc/replayd/replayd.yaml"}

// maxFile is far above any configuration, and keeps a wrong path from being read as one.
const maxFile = 1 << 20

// Load reads the configuration at path, or when that is empty at $REPLAYD_CONFIG or the first of searchPath that
// exists, and lays environ (as of os.Environ) over it. When a file was read and something is wrong with it or with
// the environment, the error is Problems.
func Load(path string, environ []string) (*Config, error) {
	variables := mapOf(environ)
	path, text, err := locate(cmp.Or(path, variables[envPrefix+"CONFIG"]))
	if err != nil {
		return nil, err
	}
	return parse(path, text, variables)
}

// File is the path of the file that was read, empty when there was none.
func (c *Config) File() string { return c.source.file }

func parse(path string, text []byte, variables map[string]string) (*Config, error) {
	c := Default()
	c.source = source{
		file:    path,
		lines:   linesOf(string(text)),
		places:  map[string]place{},
		environ: map[string]string{},
	}
	lookup := func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
	d := decoder{source: &c.source, lookup: lookup, anchors: map[string]ast.Node{}}
	d.decode(text, c)
	problems := slices.Concat(d.problems, c.overlay(variables))
	if err := append(problems, c.check(problems)...).orNil(); err != nil {
		return nil, err
	}
	return c, nil
}

// lineBreaks are YAML's, which counts a carriage return of its own as one.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func linesOf(text string) []string { return strings.Split(lineBreaks.Replace(text), "\n") }

// locate reads the file that is named, or the first that exists, if any.
func locate(named string) (path string, text []byte, err error) {
	if named != "" {
		text, err = read(named)
		return named, text, err
	}
	for _, path := range searchPath {
		text, err = read(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return path, text, err
		}
	}
	return "", nil, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read config: %s is larger than %v, it cannot be a configuration", path, Size(maxFile))
	}
	return text, nil
}

func mapOf(environ []string) map[string]string {
	variables := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	return variables
}
