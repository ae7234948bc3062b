package config

import (
	"errors"
	"strings"

	"github.com/caarlos0/env/v11"
)

const envPrefix = "REPLAYD_"

// variable is the name of the variable that overrides the value at path.
func variable(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// overlay lays the variables over c, one at a time, so that a problem can name its variable. An empty variable counts
// as unset. Variables with our prefix that nothing reads are let be: Kubernetes sets REPLAYD_PORT and the like for a
// service of that name.
func (c *Config) overlay(environ map[string]string) Problems {
	params, err := env.GetFieldParamsWithOptions(c, env.Options{Prefix: envPrefix, Environment: environ})
	if err != nil {
		return Problems{{Message: "environment: " + err.Error()}}
	}
	var problems Problems
	for _, p := range params {
		value := environ[p.Key]
		if value == "" {
			continue
		}
		c.source.environ[p.Key] = value
		one := env.Options{Prefix: envPrefix, Environment: map[string]string{p.Key: value}}
		if err := env.ParseWithOptions(c, one); err != nil {
			problems = append(problems, Problem{Message: p.Key + ": " + cause(err).Error()})
		}
	}
	return problems
}

// cause takes off the library's wrapping, which speaks of Go's fields and types.
func cause(err error) error {
	var parse env.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}
