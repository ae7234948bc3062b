package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"replayd/replay/api"
)

// Walk is a walk over all operations of the API's document.
type Walk struct {
	URL      string           // of the daemon
	Seed     uint64           // of the requests
	Requests int              // for each operation, every other one of them strange
	Good     map[string][]any // values that are likely to be taken, by the names of fields, where they are others than here
	Before   func()           // is called before each request; nil: nothing is
}

// Answers sends what the document allows and what it does not, fails t where an answer is a 500 or is not in the document, and
// returns how many there were of each status.
func (w Walk) Answers(t *testing.T) map[int]int {
	t.Helper()
	p := newProperty(t, w)
	paths := p.at("paths").(map[string]any)
	statuses := map[int]int{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		methods := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			op := methods[method].(map[string]any)
			op["path"] = path
			for i := range w.Requests {
				if w.Before != nil {
					w.Before()
				}
				statuses[p.once(t, w.URL, path, method, op, i%2 == 1)]++
			}
		}
	}
	t.Logf("answers: %v", statuses)
	return statuses
}

// property walks the document: it sends what the document allows and what it does not, and holds what is answered against
// what the document says.
type property struct {
	*rand.Rand

	doc      map[string]any
	good     map[string][]any
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

func newProperty(t *testing.T, w Walk) *property {
	t.Helper()
	t.Logf("seed %d", w.Seed)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(api.Document()))
	if err != nil {
		t.Fatal(err)
	}
	p := &property{
		Rand: rand.New(rand.NewPCG(w.Seed, 1)), doc: parsed.(map[string]any), good: maps.Clone(good), compiler: jsonschema.NewCompiler(),
		compiled: map[string]*jsonschema.Schema{},
	}
	maps.Copy(p.good, w.Good)
	for _, s := range p.at("components", "schemas").(map[string]any) {
		if s := s.(map[string]any); s["properties"] != nil {
			s["additionalProperties"] = false // readers take more; this server says no more than it has said here
		}
	}
	p.compiler.AssertFormat()
	if err := p.compiler.AddResource("api.json", p.doc); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *property) at(path ...string) any {
	var v any = p.doc
	for _, name := range path {
		v = v.(map[string]any)[name]
	}
	return v
}

// check holds a value against the schema at a path of the document.
func (p *property) check(value any, path ...string) error {
	for i, name := range path {
		path[i] = url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	at := "api.json#/" + strings.Join(path, "/")
	if p.compiled[at] == nil {
		s, err := p.compiler.Compile(at)
		if err != nil {
			return err
		}
		p.compiled[at] = s
	}
	return p.compiled[at].Validate(value)
}

// odd are values that somebody may send where something else is wanted.
var odd = []any{
	nil, true, false, json.Number("-1"), json.Number("0"), json.Number("1.5"), json.Number("9223372036854775808"), json.Number("1e400"),
	"", " ", "..", "a/b", "%2F", "\x00", "é\u202e", "x{y}", "'; --", strings.Repeat("a", 5_000),
	[]any{},
	[]any{nil},
	map[string]any{},
	map[string]any{"a": nil},
}

// good are values that are likely to be taken, by the names of fields.
var good = map[string][]any{
	"id": {"a", "b", "ended", "none"}, "archive": {"payments", "orders"}, "name": {"payments", "orders", "none"}, "topic": {"replay.payments", "replay.orders"},
	"from": {"2026-11-01T12:00:00Z", "2026-11-01T12"}, "to": {"2026-11-01T16:00:00Z"}, "event_time": {"2026-11-01T12:00:00Z"}, "pace": {"500/s", "x4", "quickly"},
	"after": {"a", "1", "2"}, "group": {"payments-svc"}, "limit": {json.Number("1"), json.Number("1000")},
}

// value is one that the schema may allow; strange, and it probably does not.
func (p *property) value(name string, s map[string]any, strange bool) any {
	if ref, ok := s["$ref"].(string); ok {
		return p.value(name, p.at("components", "schemas", ref[strings.LastIndex(ref, "/")+1:]).(map[string]any), strange)
	}
	if s["type"] == "object" {
		return p.object(s, strange)
	}
	if strange {
		return odd[p.IntN(len(odd))]
	}
	if list := p.good[name]; list != nil {
		return list[p.IntN(len(list))]
	}
	if list, ok := s["enum"].([]any); ok {
		return list[p.IntN(len(list))]
	}
	switch s["type"] {
	case "integer":
		return json.Number(strconv.Itoa(p.IntN(50) + 1))
	case "boolean":
		return p.IntN(2) == 0
	case "array":
		return []any{p.value("", s["items"].(map[string]any), false)}
	}
	return "text"
}

func (p *property) object(s map[string]any, strange bool) map[string]any {
	required, _ := s["required"].([]any)
	properties := s["properties"].(map[string]any)
	names := slices.Sorted(maps.Keys(properties)) // a seed gives the same requests again
	wrong := names[p.IntN(len(names))]
	o := map[string]any{}
	for _, name := range names {
		if slices.Contains(required, any(name)) || strange && name == wrong || p.IntN(4) == 0 {
			o[name] = p.value(name, properties[name].(map[string]any), strange && name == wrong)
		}
	}
	if !strange {
		return o
	}
	switch p.IntN(4) {
	case 0:
		o["unheard"] = "of"
	case 1:
		delete(o, names[p.IntN(len(names))])
	}
	return o
}

// request is one for an operation. Valid says that the document allows it.
func (p *property) request(base, path, method string, op map[string]any, strange bool) (r *http.Request, valid bool, err error) {
	valid = true
	query, head := url.Values{}, http.Header{}
	parameters, _ := op["parameters"].([]any)
	for i, each := range parameters {
		parameter := each.(map[string]any)
		name, s := parameter["name"].(string), parameter["schema"].(map[string]any)
		if parameter["required"] != true && p.IntN(2) == 0 {
			continue
		}
		v := p.value(name, s, strange && p.IntN(2) == 0)
		text := fmt.Sprint(v)
		switch parameter["in"] {
		case "path":
			if text == "" || text == "." || text == ".." {
				text = "none" // would be another path
			}
			path = strings.Replace(path, "{"+name+"}", url.PathEscape(text), 1)
		case "query":
			query.Set(name, text)
		case "header":
			if text = strings.Map(printable, text); text == "" {
				continue
			}
			head.Set(name, text)
		}
		var sent any = text
		if s["type"] == "integer" {
			sent = json.Number(text)
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				sent = text
			}
		}
		if text != "" { // an empty one is as if it was not sent
			valid = valid && p.check(sent, "paths", unfilled(op), method, "parameters", strconv.Itoa(i), "schema") == nil
		}
	}
	var body io.Reader
	if b, ok := op["requestBody"].(map[string]any); ok {
		v := p.value("", b["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any), strange)
		text, err := json.Marshal(v)
		if err != nil {
			return nil, false, err
		}
		if strange && p.IntN(5) == 0 {
			text = text[:p.IntN(len(text))]
		}
		sent, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if fields, ok := sent.(map[string]any); ok {
			maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil }) // null is as if it was not sent
		}
		valid = valid && err == nil && p.check(sent, "paths", unfilled(op), method, "requestBody", "content", "application/json", "schema") == nil
		if len(text) == 0 && b["required"] != true {
			valid = true
		}
		body = bytes.NewReader(text)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	r, err = http.NewRequest(strings.ToUpper(method), base+path, body)
	if err == nil {
		r.Header = head
		r.Header.Set("Content-Type", "application/json")
	}
	return r, valid, err
}

func unfilled(op map[string]any) string { return op["path"].(string) }

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// answered holds an answer against the document.
func (p *property) answered(op map[string]any, method string, r *http.Response) error {
	status := strconv.Itoa(r.StatusCode)
	said, ok := op["responses"].(map[string]any)[status].(map[string]any)
	if !ok || r.StatusCode == http.StatusInternalServerError {
		return fmt.Errorf("HTTP %s, which the document does not know, or nobody should see", status)
	}
	content, ok := said["content"].(map[string]any)
	if !ok {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || content[kind] == nil {
		return fmt.Errorf("HTTP %s with %q", status, r.Header.Get("Content-Type"))
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(r.Body)
	if err != nil {
		return err
	}
	return p.check(value, "paths", unfilled(op), method, "responses", status, "content", kind, "schema")
}

func (p *property) once(t *testing.T, base, path, method string, op map[string]any, strange bool) int {
	t.Helper()
	r, valid, err := p.request(base, path, method, op, strange)
	if err != nil {
		t.Fatal(err)
	}
	var sent []byte
	if r.Body != nil {
		body, _ := r.GetBody()
		sent, _ = io.ReadAll(body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel() // streams end with it
	answer, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatalf("%s %s: %v", method, r.URL, err)
	}
	defer answer.Body.Close()
	if err := p.answered(op, method, answer); err != nil {
		t.Errorf("%s %s %.300s: %v", method, r.URL, sent, err)
	}
	if !valid && answer.StatusCode < 400 {
		t.Errorf("%s %s %v %.300s: the document does not allow it, and it was answered with %d", method, r.URL, r.Header, sent, answer.StatusCode)
	}
	return answer.StatusCode
}
