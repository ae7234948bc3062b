package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

func TestUnitsReadAndWrite(t *testing.T) {
	for _, test := range []struct {
		unit interface {
			encoding.TextUnmarshaler
			fmt.Stringer
		}
		text, want string
	}{
		{new(Size), "512MiB", "512MiB"},
		{new(Size), "16GiB", "16GiB"},
		{new(Size), "1048576", "1MiB"},
		{new(Size), "20MB", "20MB"},
		{new(Size), "0", "0B"},
		{new(Duration), "5m", "5m"},
		{new(Duration), "1h", "1h"},
		{new(Duration), "90m", "1h30m"},
		{new(Duration), "1h0m5s", "1h0m5s"},
		{new(Duration), "20s", "20s"},
		{new(Duration), "10m", "10m"},
		{new(Duration), "2d", "48h"},
		{new(Duration), "1d12h", "36h"},
		{new(Duration), "0s", "0s"},
		{new(Duration), "1.5s", "1.5s"},
		{new(Slack), "1h,1h", "1h,1h"},
		{new(Slack), "30m", "30m,30m"},
		{new(Slack), "1d, 0s", "24h,0s"},
	} {
		if err := test.unit.UnmarshalText([]byte(test.text)); err != nil || test.unit.String() != test.want {
			t.Errorf("%T %q is read %v, %v; want %s", test.unit, test.text, test.unit, err, test.want)
		}
	}
}

func TestUnitsRefuseWhatTheyAreNot(t *testing.T) {
	for _, test := range []struct {
		unit  encoding.TextUnmarshaler
		texts string
	}{
		{new(Size), "|-1|many|1.5B|1mb|1 MB|1e6|9223372036854775808"},
		{new(Duration), "|5|-5m|1y|2d-1h|-2d|d|1.5d|1d2d|99999999d|9999999h|soon"},
		{new(Slack), "|1h,|,1h|1h,1h,1h|-1h|1h;1h"},
	} {
		for text := range strings.SplitSeq(test.texts, "|") {
			if err := test.unit.UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%T reads %q", test.unit, text)
			}
		}
	}
}

func TestDurationsSurviveTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Duration(rapid.Int64Range(0, int64(maxDays*day)).Draw(t, "d"))
		if rapid.Bool().Draw(t, "whole") {
			want -= want % Duration(time.Minute)
		}
		var got Duration
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%d is written %q and read %d, %v", want, want, got, err)
		}
	})
}

func TestASecretIsNeverPrinted(t *testing.T) {
	c := Default()
	c.Kafka.SASL.Password = "hunter2"
	s := c.Kafka.SASL.Password
	asJSON, err := json.Marshal(c.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(c.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(asJSON), string(asYAML), s.String(), fmt.Sprint(s, c, *c, c.Kafka)}
	a := Address("https://login.example.com/keys?token=hunter2")
	texts = append(texts, a.String())
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d", "%!", "%T"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, c.Kafka), fmt.Sprintf(verb, []Secret{s}), fmt.Sprintf(verb, a), fmt.Sprintf(verb, OIDC{JWKSURL: a}))
	}
	for _, text := range texts {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74") {
			t.Errorf("the secret shows: %s", text)
		}
	}
	if a.Reveal() != "https://login.example.com/keys?token=hunter2" || a.String() != "https://login.example.com/keys?***" || Address("a").String() != "a" {
		t.Errorf("Reveal() = %q, String() = %q", a.Reveal(), a)
	}
	if s.Reveal() != "hunter2" || s.String() != "***" || Secret("").String() != "" {
		t.Errorf("Reveal() = %q, String() = %q", s.Reveal(), s)
	}
}
