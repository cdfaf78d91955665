package standalone_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
	"github.com/theeye/theeye/shared/registry"
)

// operation is an operation of the API's document.
type operation struct {
	Tags       []string
	Parameters []struct {
		Name, In string
		Example  any
	}
	RequestBody requestBody
}

type requestBody struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Example any }
}

// The examples of what the collector takes are requests that are accepted, and each event
// in them is stored.
func TestExamplesOfTheCollector(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	p.storeUnknownTypes()
	var document struct {
		Paths      map[string]map[string]operation
		Components struct{ RequestBodies map[string]requestBody }
	}
	if err := json.Unmarshal(apidoc.Document(), &document); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &apicheck.Transport{T: t, Base: http.DefaultTransport}}
	base := "http://" + p.Addr().String()
	sent := map[string]bool{}
	for path, methods := range document.Paths {
		for method, op := range methods {
			if !slices.Contains(op.Tags, "collector") || method == "options" {
				continue
			}
			if name, ok := strings.CutPrefix(op.RequestBody.Ref, "#/components/requestBodies/"); ok {
				op.RequestBody = document.Components.RequestBodies[name]
			}
			for _, r := range op.requests(t, strings.ToUpper(method), base+path) {
				sent[path] = true
				r.Header.Set("Authorization", "Bearer "+registry.DevWriteKey)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode >= http.StatusMultipleChoices {
					t.Errorf("the example of %s %s is answered %d, %s", method, path, resp.StatusCode, resp.Header)
				}
			}
			if !sent[path] {
				t.Errorf("%s %s has no example", method, path)
			}
		}
	}
	for _, query := range []string{
		"event_id=0199e8a0-0000-7000-8000-000000000031", "category=com.example.cart&name=added", "category=com.example.cart&name=emptied",
		"category=track&event_id=5c4c1ed5-7d1b-4f6c-9c0c-8f1e7a1e9c19", "category=track&event_id=5c4c1ed5-7d1b-4f6c-9c0c-8f1e7a1e9c20",
		"category=page&event_id=5c4c1ed5-7d1b-4f6c-9c0c-8f1e7a1e9c21", "category=screen", "category=identify", "category=group", "category=alias",
		"name=page_view", "category=cart&name=add", "event_id=mailing-12/recipient-7",
	} {
		p.wantStored(query, nil)
	}
}

// requests returns the requests of the examples of an operation.
func (op operation) requests(t *testing.T, method, address string) (all []*http.Request) {
	t.Helper()
	query := url.Values{}
	for _, p := range op.Parameters {
		switch example := p.Example.(type) {
		case nil:
		case map[string]any:
			for name, value := range example {
				query.Set(name, fmt.Sprint(value))
			}
		default:
			query.Set(p.Name, fmt.Sprint(example))
		}
	}
	address = strings.Replace(address, "{key}", registry.DevWriteKey, 1)
	add := func(body, contentType string) {
		r, err := http.NewRequestWithContext(t.Context(), method, address+"?"+query.Encode(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		all = append(all, r)
	}
	for contentType, media := range op.RequestBody.Content {
		switch example := media.Example.(type) {
		case nil:
		case string:
			add(example, contentType)
		default:
			body, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			add(string(body), contentType)
		}
	}
	if method == http.MethodGet {
		add("", "")
	}
	return all
}
