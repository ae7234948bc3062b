package integration

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is a JSON schema with the keywords that docs/status.schema.json uses.
type schema map[string]any

func statusSchema(t *testing.T) schema {
	t.Helper()
	text, err := os.ReadFile("../docs/status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// ofReceipt is the schema of the receipt alone.
func (s schema) ofReceipt() schema { return schema{"$ref": "#/$defs/receipt", "$defs": s["$defs"]} }

// wrong lists what of a JSON text does not follow the schema. It is stricter than the schema is with others: fields may
// be added to a record, but not without being described.
func (s schema) wrong(text []byte) []string {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return []string{err.Error()}
	}
	c := schemaCheck{root: s}
	c.value("$", s, value)
	return c.wrong
}

type schemaCheck struct {
	root  schema
	wrong []string
}

func (c *schemaCheck) report(path, format string, args ...any) {
	c.wrong = append(c.wrong, path+": "+fmt.Sprintf(format, args...))
}

// value holds a value against each keyword of s.
func (c *schemaCheck) value(path string, s schema, value any) {
	for keyword, want := range s {
		switch keyword {
		case "$schema", "$defs", "title", "description", "additionalProperties":
		case "$ref":
			c.value(path, c.defined(want.(string)), value)
		case "const":
			if value != want {
				c.report(path, "%v, not %v", value, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), value) {
				c.report(path, "%v is none of %v", value, want)
			}
		case "type":
			if !isOfType(value, want.(string)) {
				c.report(path, "%v is no %s", value, want)
			}
		case "minimum":
			if n, ok := value.(float64); ok && n < want.(float64) {
				c.report(path, "%v is less than %v", n, want)
			}
		case "pattern", "format":
			c.text(path, keyword, want.(string), value)
		case "required", "properties":
			c.object(path, keyword, s, value)
		case "items", "minItems", "maxItems":
			c.array(path, keyword, want, value)
		default:
			c.report(path, "this test does not know the keyword %s", keyword)
		}
	}
}

func (c *schemaCheck) defined(ref string) schema {
	defs := c.root["$defs"].(map[string]any)
	return defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
}

func isOfType(value any, name string) bool {
	switch v := value.(type) {
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

func (c *schemaCheck) text(path, keyword, want string, value any) {
	text, ok := value.(string)
	if !ok {
		return
	}
	if keyword == "pattern" && !regexp.MustCompile(want).MatchString(text) {
		c.report(path, "%q does not match %s", text, want)
	}
	if _, err := time.Parse(time.RFC3339Nano, text); keyword == "format" && err != nil {
		c.report(path, "%q is no %s", text, want)
	}
}

func (c *schemaCheck) object(path, keyword string, s schema, value any) {
	fields, ok := value.(map[string]any)
	if !ok {
		return
	}
	if keyword == "required" {
		for _, name := range s[keyword].([]any) {
			if _, there := fields[name.(string)]; !there {
				c.report(path, "%s is missing", name)
			}
		}
		return
	}
	properties := s[keyword].(map[string]any)
	for name, inner := range fields {
		if described, ok := properties[name].(map[string]any); ok {
			c.value(path+"."+name, described, inner)
		} else {
			c.report(path, "%s is not described", name)
		}
	}
}

func (c *schemaCheck) array(path, keyword string, want, value any) {
	items, ok := value.([]any)
	if !ok {
		return
	}
	switch keyword {
	case "items":
		for i, item := range items {
			c.value(fmt.Sprintf("%s[%d]", path, i), want.(map[string]any), item)
		}
	case "minItems":
		if len(items) < int(want.(float64)) {
			c.report(path, "%d items, at least %v", len(items), want)
		}
	case "maxItems":
		if len(items) > int(want.(float64)) {
			c.report(path, "%d items, at most %v", len(items), want)
		}
	}
}

// TestTheSchemaRefusesWhatIsNoStatus would fail if the schema, or the test's reading of it, took everything.
func TestTheSchemaRefusesWhatIsNoStatus(t *testing.T) {
	good := strings.Join(consumersPage(t).blocks["json"], "")
	if wrong := statusSchema(t).wrong([]byte(good)); len(wrong) > 0 {
		t.Fatalf("the status in docs/consumers.md: %q", wrong)
	}
	for _, change := range []struct{ from, to, says string }{
		{`{"version":1,`, `{"version":2,`, "$.version"},
		{`{"version":1,`, `{`, "version is missing"},
		{`"at":"`, `"at":"on `, "$.at"},
		{`"state":"completed"`, `"state":"running"`, "$.receipt.state"},
		{`"read":`, `"read":"much","reads":`, "$.receipt.read"},
		{`"read":`, `"read":-`, "$.receipt.read"},
		{`"read":`, `"read":0.5,"reads":`, "no integer"},
		{`"gaps":[]`, `"gaps":[7]`, "$.receipt.gaps[0]"},
		{`"slack_seconds":[3600,`, `"slack_seconds":[`, "at least 2"},
		{`"slack_seconds":[3600,`, `"slack_seconds":[1,2,`, "at most 2"},
		{`"digest":"`, `"digest":"x`, "$.receipt.digest"},
		{`"last_offset":`, `"lastoffset":`, "lastoffset is not described"},
		{`"start_offset":`, `"x":`, "start_offset is missing"},
	} {
		bad := strings.Replace(good, change.from, change.to, 1)
		if bad == good {
			t.Errorf("the status has no %s", change.from)
		}
		if wrong := strings.Join(statusSchema(t).wrong([]byte(bad)), "\n"); !strings.Contains(wrong, change.says) {
			t.Errorf("%s: %q", change.to, wrong)
		}
	}
}
