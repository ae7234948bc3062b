package security

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestOutputOfACredentialProcessIsInNoErrorOfALogin(t *testing.T) {
	printed := put(t, `{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK","Expiration":"notatime"}`)
	t.Setenv("AWS_CONFIG_FILE", put(t, "[profile junk]\ncredential_process = cat "+printed+"\n"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", put(t, ""))
	s, err := New(t.Context(), Options{SASL: SASL{Mechanism: AWSMSKIAM, Profile: "junk"}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.mechanism.Authenticate(t.Context(), "b:1")
	told := s.Recognise(err)
	for e := told; e != nil; e = errors.Unwrap(e) {
		if text := fmt.Sprintf("%s %+v", e, e); strings.Contains(text, "SECRETJUNK") {
			t.Errorf("the secret key is told: %s", text)
		}
	}
	for _, want := range []string{"no usable AWS credentials", "printed an Expiration that is no time", "by hand"} {
		if !strings.Contains(told.Error(), want) {
			t.Errorf("%v\ndoes not say %q", told, want)
		}
	}
}
