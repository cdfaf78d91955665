package standalone_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/test/harness"
)

// wantStored waits until a session of application demo has an event with these
// members.
func (p *app) wantStored(query string, want map[string]string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		code, answer := p.call("GET", "/v1/events?application=demo&"+query, registry.DevAnalystToken, "")
		list, _ := answer["events"].([]any)
		if code != http.StatusOK || len(list) != 1 {
			return fmt.Errorf("%s: %d %v", query, code, answer)
		}
		e, _ := list[0].(map[string]any)
		for member, text := range want {
			if fmt.Sprint(e[member]) != text {
				return fmt.Errorf("%s is %v, want %s", member, e[member], text)
			}
		}
		return nil
	}); err != nil {
		p.t.Error(err)
	}
}

// storeUnknownTypes lets events of any type be stored, from now on.
func (p *app) storeUnknownTypes() {
	p.t.Helper()
	code, put := p.call("PUT", "/v1/policy", registry.DevOperatorToken, `{"unknown_types": "store"}`)
	revision, ok := put["revision"].(float64)
	if code >= http.StatusMultipleChoices || !ok {
		p.t.Fatalf("the policy: %d %v", code, put)
	}
	p.awaitServices(revision) // the change arrives at the processor after the answer
}

// Events of other products are stored as docs/adapters.md says.
func TestAdaptersStore(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	p.storeUnknownTypes()

	code, answer := p.call("POST", "/v1/cloudevents", registry.DevWriteKey, `{"sku": "A-1"}`, "Content-Type", "application/json",
		"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/cart", "ce-type", "com.example.added",
		"ce-sessionid", "e2085be5-9137-4e4e-80b5-f1ffddc25423", "ce-time", "2026-05-06T07:08:08Z")
	if code != http.StatusAccepted {
		t.Fatalf("%d %v", code, answer)
	}
	p.wantStored("category=com.example", map[string]string{
		"name": "added", "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "timestamp": "2026-05-06T07:08:08.000000Z",
		"data": "map[data:map[sku:A-1] datacontenttype:application/json id:1 source:/cart]",
	})

	const message = `{"type":"track","event":"bought","messageId":"5c4c1ed5-7d1b-4f6c-9c0c-8f1e7a1e9c12","anonymousId":"a",
		"timestamp":"2026-05-06T07:08:08Z","properties":{"price":5},"context":{"sessionId":"e2085be5-9137-4e4e-80b5-f1ffddc25424"}}`
	for range 2 {
		code, answer = p.call("POST", "/v1/batch", registry.DevWriteKey, `{"batch":[`+message+`,{"type":"page"},17],"context":{"ip":"10.0.0.2"}}`)
		if code != http.StatusOK {
			t.Fatalf("%d %v", code, answer)
		}
	}
	p.wantStored("category=track", map[string]string{
		"event_id": "5c4c1ed5-7d1b-4f6c-9c0c-8f1e7a1e9c12", "name": "bought", "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25424",
		"data": "map[anonymousId:a context:map[ip:10.0.0.2 sessionId:e2085be5-9137-4e4e-80b5-f1ffddc25424] properties:map[price:5]]",
	})

	code, _ = p.call("POST", "/com.snowplowanalytics.snowplow/tp2", registry.DevWriteKey, `{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[`+
		`{"e":"se","se_ca":"cart","se_ac":"add","se_va":"12.50","eid":"560a3961-95f4-459d-8b60-122a8ccbed45","duid":"d","tv":"node-4.8.0","dtm":"1778051288000"}]}`)
	if code != http.StatusOK {
		t.Fatal(code)
	}
	p.wantStored("category=cart", map[string]string{
		"event_id": "560a3961-95f4-459d-8b60-122a8ccbed45", "name": "add", "timestamp": "2026-05-06T07:08:08.000000Z",
		"data": "map[duid:d e:se se_va:12.5 tv:node-4.8.0]",
	})
	code, _ = p.call("GET", "/i?e=pv&url=https%3A%2F%2Fshop.example%2F&eid=560a3961-95f4-459d-8b60-122a8ccbed46&sid=e2085be5-9137-4e4e-80b5-f1ffddc25425&aid="+registry.DevWriteKey, "", "")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	p.wantStored("name=page_view", map[string]string{
		"event_id": "560a3961-95f4-459d-8b60-122a8ccbed46", "category": "com.snowplowanalytics.snowplow", "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25425",
		"data": "map[e:pv url:https://shop.example/]",
	})
}

// An event that a tracker would send for ever is accepted, and found among the rejected
// ones with its bytes.
func TestAdaptersKeepWhatTheyCannotRead(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	const broken = `{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"pv"`
	if code, _ := p.call("POST", "/com.snowplowanalytics.snowplow/tp2", registry.DevWriteKey, broken); code != http.StatusOK {
		t.Fatal(code)
	}
	if code, _ := p.call("GET", "/v1/pixel.gif?category=a&category=b", registry.DevWriteKey, ""); code != http.StatusOK {
		t.Fatal(code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for code, original := range map[string]string{"invalid_json": broken, "duplicate_key": `{"category":"a","category":"b"}`} {
		if err := harness.Poll(ctx, func() error {
			status, answer := p.call("GET", "/v1/rejected?application=demo&code="+code, registry.DevOperatorToken, "")
			list, _ := answer["events"].([]any)
			if status != http.StatusOK || len(list) != 1 {
				return fmt.Errorf("%s: %d %v", code, status, answer)
			}
			if e, _ := list[0].(map[string]any); e["original"] != original {
				return fmt.Errorf("the original is %v", e["original"])
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
