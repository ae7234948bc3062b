// Package config reads replayd's configuration: what the site is like (brokers, archives, targets, limits), as opposed
// to what is to be replayed, which flags and requests say.
//
//	defaults < file < environment (REPLAYD_KAFKA_BROKERS) < flags
//
// Load does the first three and cmd lays its flags over the result. Reading is strict and never stops at the first
// fault: unknown keys, keys given twice, bad values, unset variables and references that lead nowhere come back
// together as Problems, each with file, line and the place underlined. Secrets are printed as ***, excerpts included.
//
// The file is read by a walk over goccy/go-yaml's tree instead of its decoder, which stops at the first fault.
//
// Nothing but cmd imports this package. What it hands on are plain values.
package config
