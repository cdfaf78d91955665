package queryapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/queryapi/apidoc"
)

// exampleTags are the tags of the operations whose examples are executed: the questions
// of analysts.
var exampleTags = []string{"query", "statistics"}

// The examples of the API's document are requests that are answered, and answers as its
// schemas say. Schemas of JSON examples are checked where the document is validated.
func TestExamplesOfTheDocument(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(apidoc.Document())
	if err != nil {
		t.Fatal(err)
	}
	fx := newFixture(t)
	at := time.Now().Add(-time.Hour)
	fx.putEvents("shop", at, statsEvent("a", aSession, "pageview", at.UTC().Format(time.RFC3339), `{"path":"/pricing"}`))
	fx.awaitColumns()
	executed := 0
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			if strings.Contains(path, "{") || path == "/v1/live" || !slices.ContainsFunc(op.Tags, func(tag string) bool { return slices.Contains(exampleTags, tag) }) {
				continue // a stream has no end, and a place in a path needs an id
			}
			executed++
			body := exampleBody(t, op)
			if a := fx.send(method, operator, path+"?"+exampleParameters(op), body); a.status != http.StatusOK {
				t.Errorf("the example of %s %s: %d %s", method, path, a.status, a.raw)
			}
			if method == http.MethodGet && !hasExample(op) && path != "/v1/events" && path != "/v1/rejected" {
				t.Errorf("the answer of %s %s has no example", method, path)
			}
		}
	}
	if executed < 14 {
		t.Errorf("%d operations were asked", executed)
	}
	checkLines(t, document, "/v1/export", "application/x-ndjson", "StoredEvent", "ExportEnd")
	checkLines(t, document, "/v1/live", "text/event-stream", "StoredEvent")
}

// exampleParameters is the query of the examples of an operation's parameters.
func exampleParameters(op *openapi3.Operation) string {
	values := url.Values{}
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInQuery && p.Value.Example != nil {
			values.Set(p.Value.Name, fmt.Sprint(p.Value.Example))
		}
	}
	return values.Encode()
}

func exampleBody(t *testing.T, op *openapi3.Operation) string {
	t.Helper()
	if op.RequestBody == nil {
		return ""
	}
	example := op.RequestBody.Value.Content.Get("application/json").Example
	if example == nil {
		t.Fatalf("the body of %s has no example", op.OperationID)
	}
	raw, err := json.Marshal(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func hasExample(op *openapi3.Operation) bool {
	for _, media := range op.Responses.Status(http.StatusOK).Value.Content {
		if media.Example != nil {
			return true
		}
	}
	return false
}

// checkLines checks the objects in the lines of an example of a stream, in order.
func checkLines(t *testing.T, document *openapi3.T, path, contentType string, schemas ...string) {
	t.Helper()
	content := document.Paths.Value(path).Get.Responses.Status(http.StatusOK).Value.Content
	text, _ := content[contentType].Example.(string)
	for line := range strings.Lines(text) {
		object := strings.TrimPrefix(line, "data: ")
		if !strings.HasPrefix(object, "{") {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(object), &value); err != nil {
			t.Fatal(err)
		}
		if len(schemas) == 0 {
			t.Fatalf("%s has a further object %s", path, line)
		}
		if err := document.Components.Schemas[schemas[0]].Value.VisitJSON(value); err != nil {
			t.Errorf("%s is no %s: %v", line, schemas[0], err)
		}
		schemas = schemas[1:]
	}
	if len(schemas) > 0 {
		t.Errorf("the example of %s has no %s", path, schemas[0])
	}
}
