package security

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// Principal is the user to whom brokers give rights: "User:replayd".
type Principal struct {
	Name string // a placeholder where only the brokers know it
	Note string // what a person must know of Name; empty: nothing
	IAM  bool   // rights are those of AWS's policies, and Kafka's ACLs hold none for it
}

// Principal is as whom the brokers know a client with these options, as far as this side can tell.
func (s *Security) Principal() Principal {
	if s == nil {
		s = &Security{}
	}
	switch o := s.options.SASL; o.Mechanism {
	case "":
		return s.options.TLS.principal()
	case OAuthBearer:
		return Principal{Name: "User:NAME", Note: "For NAME put what the brokers take from the token, usually its subject."}
	case AWSMSKIAM:
		return Principal{IAM: true}
	default:
		return Principal{Name: "User:" + o.Username}
	}
}

// principal is that of a connection without a login.
func (t TLS) principal() Principal {
	subject := t.subject()
	switch {
	case t.On && t.CertFile != "" && subject != "":
		return Principal{Name: "User:" + subject, Note: "That is the subject of the client's certificate; where the brokers' ssl.principal.mapping.rules make another name of it, name that."}
	case t.On && t.CertFile != "":
		return Principal{Name: "User:NAME", Note: "For NAME put what the brokers take from the client's certificate."}
	}
	return Principal{Name: "User:ANONYMOUS", Note: "That is what the brokers call whoever comes without kafka.sasl and without a client's certificate. Better is a user of its own."}
}

// subject is that of the client's certificate in the form of RFC 2253, which Java uses; empty when it cannot be read.
func (t TLS) subject() string {
	if t.CertFile == "" {
		return ""
	}
	pair, err := t.certificate()
	if err != nil {
		return ""
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return ""
	}
	var names pkix.RDNSequence // as they stand there: pkix.Name would sort them
	if _, err := asn1.Unmarshal(leaf.RawSubject, &names); err != nil {
		return ""
	}
	return names.String()
}
