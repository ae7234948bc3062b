package archive

import "testing"

func TestLoginsInAddressesAreFound(t *testing.T) {
	for address, want := range map[string]bool{
		"s3://KEY:SECRET@bucket/p":                                     true,
		"s3://KEY:SEC/RET@bucket":                                      true,
		"s3://KEY@bucket":                                              true,
		"http://key:secret@localhost:9000":                             true,
		"https://key:sec/ret@localhost":                                true,
		"file://user:word@host/folder":                                 true,
		"s3://bucket/of@team/p:q":                                      false,
		"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/a/me@home": false,
		"http://localhost:9000":                                        false,
		"file:///home/me@home":                                         false,
		"./me:you@home":                                                false,
		"":                                                             false,
	} {
		if HasLogin(address) != want {
			t.Errorf("%q: want %v", address, want)
		}
	}
}
