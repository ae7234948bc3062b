package security

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// expiry says that the token has expired, when it tells: the claim exp of a JSON Web Token (RFC 7519, 4.1.4).
func (s *Security) expiry() string {
	token, err := s.options.SASL.Token.read()
	parts := strings.Split(token, ".")
	if err != nil || len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Exp float64 `json:"exp"` // seconds since 1970
	}
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.Exp == 0 {
		return ""
	}
	if at := time.Unix(int64(claims.Exp), 0); at.Before(time.Now()) {
		return ", which expired at " + at.UTC().Format(time.RFC3339)
	}
	return ""
}
