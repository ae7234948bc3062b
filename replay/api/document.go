package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"
)

// huma takes these as variables of its package. Nothing else here uses it.
func init() {
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		return problemOf(status, detail, errs...)
	}
	huma.NewErrorWithContext = refused
	huma.DefaultArrayNullable = false // readers need not test for null
	huma.ValidateStrictCasing = true  // else {"topic": "a", "Topic": "b"} would be one field twice
}

// problemOf is what huma has to say.
func problemOf(status int, detail string, errs ...error) *Problem {
	if status == http.StatusUnprocessableEntity {
		detail = notAsItStands
	}
	p := NewProblem(status, "%s", detail)
	for _, err := range errs {
		p.Errors = append(p.Errors, fieldError(err))
	}
	return p
}

func fieldError(err error) FieldError {
	var d huma.ErrorDetailer
	if !errors.As(err, &d) {
		return FieldError{Message: err.Error()}
	}
	e := d.ErrorDetail()
	f := FieldError{Location: e.Location, Message: e.Message, Value: echo(e.Value)}
	var missing string
	if n, _ := fmt.Sscanf(e.Message, validation.MsgExpectedRequiredProperty, &missing); n == 1 { // which huma tells of what holds it
		f.Location, f.Message = e.Location+"."+missing, "is missing"
	}
	return f
}

const about = `A daemon that replays archived hours into Kafka, exactly once. Any daemon on the same control topics answers for
all replays, and what changes something is answered when it has been read back from Kafka. One that has just begun answers 503
with Retry-After until it has read what there is: it would not know of replays that others run. 429 with Retry-After says that who
asks has too much open at a time, while others are answered.

Errors are application/problem+json and name every field that is wrong. Readers ignore fields that they do not know: there
will be more. Lists are answered in parts; ` + "`next`" + ` of one is ` + "`after`" + ` of the next. A field that is null is as if it was not sent.`

// newDocument is what huma makes the document and the routes of.
func newDocument(routes *http.ServeMux) huma.API {
	format := huma.DefaultJSONFormat
	return humago.New(routes, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "replayd", Version: "1", Description: about,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Tags: []*huma.Tag{
				{Name: tagReplays, Description: "Replays that any daemon or foreground process knows"},
				{Name: tagArchives, Description: "What could be replayed"},
				{Name: tagDaemon, Description: "The daemon itself"},
			},
			Security: []map[string][]string{{"bearer": {}}, {}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {
						Type: "http", Scheme: "bearer",
						Description: "A token of replayd token new, or a JSON Web Token of the configured issuer. " +
							"A client's certificate stands for one where it is configured; a daemon that listens on loopback may need none.",
					},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	})
}

// schemaName names types of other packages by what they are here.
func schemaName(t reflect.Type, hint string) string {
	if t.Name() == "Partition" && t.PkgPath() != reflect.TypeFor[Partition]().PkgPath() {
		return "ReceiptPartition"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// Tags.
const (
	tagReplays  = "replays"
	tagArchives = "archives"
	tagDaemon   = "daemon"
)

// anyRoute are the statuses that every route may answer with beside its own. A body is read wherever it is sent.
var anyRoute = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
	http.StatusMisdirectedRequest, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	http.StatusGatewayTimeout,
}

// operation describes a route. Statuses are those beside anyRoute's that it may answer with.
func operation(r route, tag, summary, description string, statuses ...int) huma.Operation {
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Tags: []string{tag}, Summary: summary, Description: description,
		MaxBodyBytes: -1, BodyReadTimeout: -1, // receive has read it
		Errors: slices.Concat(anyRoute, statuses),
	}
	if r.method == http.MethodPost || r.method == http.MethodPut {
		op.Errors = append(op.Errors, http.StatusUnsupportedMediaType, http.StatusConflict)
	}
	if open[r.pattern()] {
		op.Security = []map[string][]string{}
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests} {
			op.Errors = without(op.Errors, status)
		}
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	return op
}

// finish makes the document say what huma cannot know: which headers problems have, and that answers may have more fields
// tomorrow. What is sent may not.
func finish(d *huma.OpenAPI) {
	requests := []string{"Start", "Act", "Pace"}
	for name, schema := range d.Components.Schemas.Map() {
		if !slices.Contains(requests, name) && schema.AdditionalProperties == false {
			schema.AdditionalProperties = nil
		}
	}
	for _, item := range d.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			header(op, http.StatusUnauthorized, "WWW-Authenticate", "how to be known")
			for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
				header(op, status, "Retry-After", "seconds to wait before the next try")
			}
		}
	}
}

func header(op *huma.Operation, status int, name, description string) {
	if answer := op.Responses[strconv.Itoa(status)]; answer != nil {
		answer.Headers = map[string]*huma.Param{name: {Description: description, Schema: &huma.Schema{Type: huma.TypeString}}}
	}
}

// Document is the OpenAPI document of the server, in JSON form, as docs/openapi.json holds it. It is not to be changed.
func Document() []byte { return documents().json }

type forms struct{ json, yaml []byte }

// documents is the same for all servers.
var documents = sync.OnceValue(func() (f forms) {
	d := (&Server{routes: http.NewServeMux()}).describe(nil).OpenAPI()
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // plain data
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		panic(err)
	}
	if f.yaml, err = d.YAML(); err != nil {
		panic(err)
	}
	f.json = append(indented.Bytes(), '\n')
	return f
})
