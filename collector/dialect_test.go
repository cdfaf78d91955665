package collector

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/stream"
)

const cloudEvent = `{"specversion":"1.0","id":"1","source":"/a","type":"page interaction.cta click","time":"2026-05-06T07:08:08Z"}`

// An event in the format of another product reaches the stream as it was sent, under
// the name of its format and the type that it is translated to.
func TestAdapterNamesTheFormat(t *testing.T) {
	f := newFixture(t)
	r := f.send(api.PathCloudEvents, []byte(cloudEvent), "Content-Type", "application/cloudevents+json")
	if r.status != http.StatusAccepted || r.Accepted != 1 {
		t.Fatalf("answer %d %s", r.status, r.text)
	}
	m := f.storedMessages()[0]
	if m.Subject != stream.Subject("shop", "page interaction", "cta click") || m.Header.Get(stream.HeaderFormat) != "cloudevents" ||
		m.Header.Get(stream.HeaderEventID) != r.Results[0].EventID || string(m.Data) != cloudEvent {
		t.Errorf("message %s %v %s", m.Subject, m.Header, m.Data)
	}
	if r := f.send(api.PathCloudEvents, []byte("[17]"), "Content-Type", "application/cloudevents-batch+json"); r.status != http.StatusUnprocessableEntity {
		t.Errorf("answer %d %s", r.status, r.text)
	}
}

// The key decides whose adapters count; a key without them is refused, whatever the
// key of another application may do.
func TestAdapterMustBeEnabled(t *testing.T) {
	f := newFixture(t)
	f.send(api.PathCloudEvents, []byte(cloudEvent), "X-Write-Key", otherKey).wantProblem(t, http.StatusForbidden, api.CodeAdapterNotEnabled)
	f.send(api.PathCloudEvents, []byte(cloudEvent), "X-Write-Key", "no-key").wantProblem(t, http.StatusUnauthorized, api.CodeUnauthorized)
	f.send(api.PathCloudEvents, []byte(cloudEvent), "X-Write-Key", disabledKey).wantProblem(t, http.StatusForbidden, api.CodeKeyDisabled)
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}

const trackMessage = `{"type":"track","event":"e","messageId":"m","anonymousId":"a","timestamp":"2026-05-06T07:08:08Z"}`

// basic returns the header Authorization of a user without a password.
func basic(user string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":")) }

// The SDKs of Segment carry their keys in different places, and name media types that
// their bodies do not have.
func TestSegmentFindsTheKey(t *testing.T) {
	f := newFixture(t)
	keyed := `{"writeKey":"` + serverKey + `",` + trackMessage[1:]
	for i, c := range []struct {
		path, body string
		headers    []string
	}{
		{"/v1/batch", `{"batch":[` + trackMessage + `]}`, []string{"X-Write-Key", "-", "Authorization", basic(serverKey), "Content-Type", "application/x-www-form-urlencoded"}},
		{"/v1/track", keyed, []string{"X-Write-Key", "-"}},
		{"/t", keyed, []string{"X-Write-Key", "-", "Content-Type", "text/plain"}},
		{"/v1/b", `{"batch":[` + keyed + `]}`, []string{"X-Write-Key", "-"}},
		{"/beacon/v1/batch?writeKey=" + serverKey, `{"batch":[` + trackMessage + `]}`, []string{"X-Write-Key", "-"}},
		{"/v1/batch", `{"batch":[` + keyed + `]}`, []string{"X-Write-Key", "-", "Authorization", basic("of-the-site")}},
	} {
		if r := f.send(c.path, []byte(c.body), c.headers...); r.status != http.StatusOK || r.Accepted != 1 {
			t.Errorf("%d: answer %d %s", i, r.status, r.text)
		}
	}
	for _, m := range f.storedMessages() {
		if string(m.Data) != trackMessage {
			t.Errorf("message %s", m.Data)
		}
	}
	f.send("/v1/track", []byte(trackMessage), "X-Write-Key", "-").wantProblem(t, http.StatusUnauthorized, api.CodeUnauthorized)
	f.send("/v1/track", []byte(`{"writeKey":"`+otherKey+`"}`), "X-Write-Key", "-").wantProblem(t, http.StatusForbidden, api.CodeAdapterNotEnabled)
	f.send("/v1/track", []byte(`{"writeKey":"`+shopKey+`"}`), "X-Write-Key", "-", "Origin", "https://elsewhere.example").
		wantProblem(t, http.StatusForbidden, api.CodeOriginNotAllowed)
	f.send("/v1/batch", []byte(`{"batch":`)).wantProblem(t, http.StatusBadRequest, "invalid_json")
}

// One bad message fails no batch: it is accepted, and the processor says why it
// rejects it.
func TestSegmentAcceptsWhatTheProcessorRejects(t *testing.T) {
	f := newFixture(t)
	r := f.send("/v1/batch", []byte(`{"batch":[17,{"a":1,"a":2},`+trackMessage+`,{}]}`))
	if r.status != http.StatusOK || r.Accepted != 4 || f.messageCount() != 4 {
		t.Errorf("answer %d %s, %d messages", r.status, r.text, f.messageCount())
	}
	large := `{"type":"page","properties":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`
	if r := f.send("/v1/batch", []byte(`{"batch":[`+large+`,`+trackMessage+`]}`)); r.status != http.StatusOK || r.Accepted != 1 || r.Refused != 1 {
		t.Errorf("answer %d, %d accepted", r.status, r.Accepted)
	}
	if r := f.send("/v1/batch", []byte(`{"batch":[]}`)); r.status != http.StatusOK {
		t.Errorf("an empty batch is answered %d %s", r.status, r.text)
	}
}

// What SDKs in pages ask for before they send events.
func TestSegmentSettings(t *testing.T) {
	f := newFixture(t)
	get := func(path string) answer {
		req, err := http.NewRequest(http.MethodGet, f.base+path, http.NoBody)
		f.noError(err)
		req.Header.Set("Origin", shopOrigin)
		r, err := f.doRequest(req)
		f.noError(err)
		return r
	}
	if r := get(api.SegmentSettingsPath(shopKey)); r.status != http.StatusOK || r.header.Get("Access-Control-Allow-Origin") != shopOrigin ||
		r.text != `{"integrations":{"Segment.io":{"apiKey":"`+shopKey+`"}}}` {
		t.Errorf("answer %d %s", r.status, r.text)
	}
	if r := get("/sourceConfig/?writeKey=" + shopKey); r.status != http.StatusOK || !strings.Contains(r.text, `"enabled":true`) {
		t.Errorf("answer %d %s", r.status, r.text)
	}
	get(api.SegmentSettingsPath("no-key")).wantProblem(t, http.StatusUnauthorized, api.CodeUnauthorized)
	if r := f.send("/v1/m", []byte(`{"series":[]}`), "X-Write-Key", "-"); r.status != http.StatusNoContent {
		t.Errorf("metrics are answered %d", r.status)
	}
}
