package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const document = "../../docs/openapi.json"

func TestOpenAPIDocumentIsThatOfTheServer(t *testing.T) {
	want := api.Document()
	if *update {
		if err := os.WriteFile(document, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not the document of the server: go test ./replay/api -run OpenAPI -update writes it", document)
	}
}

func TestOpenAPIDocumentIsServedInBothForms(t *testing.T) {
	s := serve(t, apitest.NewFake(), api.ServerOptions{})
	for path, want := range map[string]string{"/openapi.json": `"openapi": "3.1.0"`, "/openapi.yaml": "openapi: 3.1.0"} {
		r, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d, %v: %.100s", path, r.StatusCode, err, text)
		}
	}
}

// schema is what is looked at of the document.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 any                `json:"type"`
	Description          string             `json:"description"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties any                `json:"additionalProperties"`
}

type spec struct {
	Paths map[string]map[string]struct {
		OperationID string                                      `json:"operationId"`
		Summary     string                                      `json:"summary"`
		Description string                                      `json:"description"`
		Parameters  []struct{ Name, Description string }        `json:"parameters"`
		Responses   map[string]struct{ Content map[string]any } `json:"responses"`
		RequestBody struct {
			Content map[string]struct{ Schema any }
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct{ Schemas map[string]*schema } `json:"components"`
}

func TestOpenAPIDocumentDescribesEverything(t *testing.T) {
	var d spec
	if err := json.Unmarshal(api.Document(), &d); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			if op.OperationID == "" || op.Summary == "" || op.Description == "" || seen[op.OperationID] {
				t.Errorf("%s %s: %+v", method, path, op)
			}
			seen[op.OperationID] = true
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s: parameter %s says nothing of itself", op.OperationID, p.Name)
				}
			}
			if _, open := op.Responses["default"]; open || op.Responses["500"].Content["application/problem+json"] == nil {
				t.Errorf("%s: its answers are %v", op.OperationID, op.Responses)
			}
		}
	}
	if len(seen) != 23 {
		t.Errorf("%d operations", len(seen))
	}
	for _, name := range []string{"Start", "Act", "Pace", "Replay", "Problem", "Group", "Offsets", "Hour"} {
		s := d.Components.Schemas[name]
		if s == nil {
			t.Errorf("no schema %s", name)
			continue
		}
		request := name == "Start" || name == "Act" || name == "Pace"
		if closed := s.AdditionalProperties == false; closed != request {
			t.Errorf("%s: more fields are refused: %v", name, closed)
		}
		for field, p := range s.Properties {
			if p.Description == "" && p.Ref == "" {
				t.Errorf("%s.%s says nothing of itself", name, field)
			}
		}
	}
}

// TestAReplayAndItsProgressCallTheSameBySameNames since one stands in the other: who reads "waits" of both must not find a boolean
// here and an error there.
func TestAReplayAndItsProgressCallTheSameBySameNames(t *testing.T) {
	types := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[api.Replay]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		types[name] = f.Type
	}
	shared := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[replay.Report]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		of, is := types[name]
		if is {
			shared++
		}
		if is && of != f.Type {
			t.Errorf("%s is a %s of a replay, and a %s of its progress", name, of, f.Type)
		}
	}
	if shared < 3 {
		t.Errorf("they share %d names", shared)
	}
}
