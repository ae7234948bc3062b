package archive

import (
	"errors"
	"strings"
)

// HasLogin reports whether an address names a user or a password in front of its host, as in s3://KEY:SECRET@bucket. Nothing
// reads them there, and whoever prints the address would show them. A secret key may hold a slash.
func HasLogin(address string) bool {
	_, rest, found := strings.Cut(address, "://")
	if !found || strings.HasPrefix(rest, "arn:") {
		return false
	}
	host, _, _ := strings.Cut(rest, "/")
	return strings.Contains(host, "@") || strings.Contains(host, ":") && strings.Contains(rest, "@")
}

// ErrLogin refuses such an address without repeating it.
var ErrLogin = errors.New("the address holds a login in front of the host, which is not read: leave out all up to the @; " +
	"credentials of S3 come from the profile or the environment")
