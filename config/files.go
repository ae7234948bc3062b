package config

import (
	"errors"
	"os"
)

// Files reports which of the files that are named cannot be read by this process, or are folders, as Problems; nil when all can.
// Load does not ask: some are for other commands, or other machines, than the one that loads. What a file holds is looked at by
// whoever uses it.
func (c *Config) Files() error {
	var problems Problems
	for _, named := range []struct{ path, file string }{
		{"kafka.tls.ca_file", c.Kafka.TLS.CAFile},
		{"kafka.tls.cert_file", c.Kafka.TLS.CertFile},
		{"kafka.tls.key_file", c.Kafka.TLS.KeyFile},
		{"kafka.sasl.password_file", c.Kafka.SASL.PasswordFile},
		{"kafka.sasl.token_file", c.Kafka.SASL.TokenFile},
		{"server.tls.cert_file", c.Server.TLS.CertFile},
		{"server.tls.key_file", c.Server.TLS.KeyFile},
		{"server.tls.client_ca_file", c.Server.TLS.ClientCAFile},
		{"server.auth.tokens_file", c.Server.Auth.TokensFile},
		{"server.auth.oidc.ca_file", c.Server.Auth.OIDC.CAFile},
	} {
		if named.file == "" {
			continue
		}
		if err := readable(named.file); err != nil {
			problems = append(problems, c.Problem(named.path, "%v", err))
		}
	}
	return problems.orNil()
}

// readable opens what is a file. A pipe would wait for who writes it.
func readable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New(file + " is a folder, want a file")
	case !info.Mode().IsRegular():
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}
