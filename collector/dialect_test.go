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

// The body of an event in binary mode is its data: bytes that are gzip are only unpacked
// where the header says that they are the encoding of the body.
func TestBinaryDataStaysCompressed(t *testing.T) {
	f := newFixture(t)
	attributes := []string{"Content-Type", "application/gzip", "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/a", "Ce-Type", "x.y"}
	for _, c := range []struct {
		body    []byte
		headers []string
		want    string
	}{
		{gzipped([]byte("hi")), nil, `"data_base64":"` + base64.StdEncoding.EncodeToString(gzipped([]byte("hi")))},
		{[]byte("\x1f\x8bno gzip"), nil, `"data_base64":"H4tubyBnemlw"`},
		{gzipped([]byte("hi")), []string{"Content-Encoding", "gzip"}, `"data":"hi"`},
	} {
		r := f.send(api.PathCloudEvents, c.body, append(c.headers, attributes...)...)
		messages := f.storedMessages()
		if last := string(messages[len(messages)-1].Data); r.status != http.StatusAccepted || !strings.Contains(last, c.want) {
			t.Errorf("answer %d %s, message %s", r.status, r.text, last)
		}
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

const pageView = `{"e":"pv","eid":"560a3961-95f4-459d-8b60-122a8ccbed45","uid":"u","dtm":"1778051288000"}`

// The trackers of Snowplow carry the key in a header, in the user of the address, or as
// application id; that is in no message then.
func TestSnowplowFindsTheKey(t *testing.T) {
	f := newFixture(t)
	keyed := `{"aid":"` + serverKey + `",` + pageView[1:]
	envelope := func(events string) []byte {
		return []byte(`{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[` + events + `]}`)
	}
	for i, c := range []struct {
		body    []byte
		headers []string
	}{
		{envelope(pageView), nil},
		{envelope(keyed), nil},
		{envelope(pageView), []string{"X-Write-Key", "-", "Authorization", basic(serverKey)}},
		{envelope(keyed), []string{"X-Write-Key", "-"}},
		{envelope(keyed + "," + keyed), []string{"X-Write-Key", "-", "Authorization", basic("of-the-site")}},
	} {
		r := f.sendBy(http.MethodPost, api.PathSnowplow, c.body, c.headers...)
		if r.status != http.StatusOK || r.text != "ok" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%d: answer %d %s", i, r.status, r.text)
		}
	}
	query := "?e=pv&eid=560a3961-95f4-459d-8b60-122a8ccbed45&uid=u&dtm=1778051288000"
	for i, c := range []struct {
		query   string
		headers []string
	}{
		{query, nil},
		{query + "&aid=" + serverKey, []string{"X-Write-Key", "-"}},
		{query + "&write_key=" + serverKey, []string{"X-Write-Key", "-"}},
	} {
		r := f.sendBy(http.MethodGet, api.PathSnowplowImage+c.query, nil, c.headers...)
		if r.status != http.StatusOK || r.text != transparentGIF || r.header.Get("Content-Type") != "image/gif" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d: answer %d %v %q", i, r.status, r.header, r.text)
		}
	}
	messages := f.storedMessages()
	for _, m := range messages {
		if string(m.Data) != pageView || m.Header.Get(stream.HeaderFormat) != "snowplow" {
			t.Errorf("message %v %s", m.Header, m.Data)
		}
	}
	if len(messages) != 9 {
		t.Errorf("%d messages", len(messages))
	}
	for _, path := range []string{api.PathSnowplowImage + "?e=pv&aid=no-key", api.PathSnowplowImage + "?e=pv"} {
		f.sendBy(http.MethodGet, path, nil, "X-Write-Key", "-").wantProblem(t, http.StatusUnauthorized, api.CodeUnauthorized)
	}
	f.send(api.PathSnowplow, envelope(`{"aid":"`+otherKey+`"}`), "X-Write-Key", "-").wantProblem(t, http.StatusForbidden, api.CodeAdapterNotEnabled)
	f.send(api.PathSnowplow, envelope(`{"aid":"`+shopKey+`"}`), "X-Write-Key", "-", "Origin", "https://elsewhere.example").
		wantProblem(t, http.StatusForbidden, api.CodeOriginNotAllowed)
}

// Trackers send a request again, for ever, until it is answered 200: an event that cannot
// be read is accepted, and the processor says why it rejects it.
func TestSnowplowAcceptsWhatTheProcessorRejects(t *testing.T) {
	f := newFixture(t)
	for body, messages := range map[string]uint64{
		`{"data":[17,{"a":1,"a":2},` + pageView + `,{}]}`: 4, `{"data":`: 1, `hello`: 1, `{"schema":"x"}`: 1, `[]`: 1, `{"data":[]}`: 0, ``: 0,
		`{"data":[{"page":"` + strings.Repeat("x", 1<<20) + `"},` + pageView + `]}`: 1,
	} {
		before := f.messageCount()
		if r := f.sendBy(http.MethodPost, api.PathSnowplow, []byte(body)); r.status != http.StatusOK || r.text != "ok" || f.messageCount() != before+messages {
			t.Errorf("%.80s: answer %d %s, %d messages", body, r.status, r.text, f.messageCount()-before)
		}
	}
	if r := f.sendBy(http.MethodGet, api.PathSnowplowImage+"?e=pv&e=pv&%zz", nil); r.status != http.StatusOK {
		t.Errorf("answer %d %s", r.status, r.text)
	}
	// The largest event that a tracker puts into a query.
	before := f.messageCount()
	if r := f.sendBy(http.MethodGet, api.PathSnowplowImage+"?e=pv&page="+strings.Repeat("x", 40_000), nil); r.status != http.StatusOK || f.messageCount() != before+1 {
		t.Errorf("answer %d %s", r.status, r.text)
	}
}

// A request for the header alone counts nothing, whatever its key.
func TestHeadOfAnImageCountsNothing(t *testing.T) {
	f := newFixture(t)
	for _, key := range []string{serverKey, "no-key"} {
		r := f.sendBy(http.MethodHead, api.PathSnowplowImage+"?e=pv", nil, "X-Write-Key", key)
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "image/gif" || r.header.Get("Content-Length") != "43" || r.text != "" {
			t.Errorf("answer %d %v", r.status, r.header)
		}
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}

// Both products have the path /i, by different methods.
func TestMethodsOfTheImage(t *testing.T) {
	f := newFixture(t)
	if r := f.send(api.PathSnowplowImage, []byte(trackMessage)); r.status != http.StatusOK || r.Accepted != 1 {
		t.Errorf("answer %d %s", r.status, r.text)
	}
	if got := f.storedMessages()[0].Header.Get(stream.HeaderFormat); got != "segment" {
		t.Errorf("the message has the format %s", got)
	}
	r := f.sendBy(http.MethodPut, api.PathSnowplowImage, nil)
	r.wantProblem(t, http.StatusMethodNotAllowed, api.CodeMethodNotAllowed)
	if got := r.header.Get("Allow"); got != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("Allow: %s", got)
	}
	for _, path := range []string{api.PathSnowplow, api.PathSnowplowImage} {
		r := f.sendBy(http.MethodOptions, path, nil, "Origin", shopOrigin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,sp-anonymous")
		if r.status != http.StatusNoContent || r.header.Get("Access-Control-Allow-Headers") != "content-type,sp-anonymous" || r.header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %d %v", path, r.status, r.header)
		}
	}
}
