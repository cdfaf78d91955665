package collector

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/stream"
)

// loadPixel asks for an image with a key in its address, and checks that it is one.
func (f *fixture) loadPixel(key, query string, headers ...string) answer {
	f.t.Helper()
	r := f.sendBy(http.MethodGet, api.PathPixel+"?write_key="+key+"&"+query, nil, append([]string{"X-Write-Key", "-"}, headers...)...)
	if r.text != transparentGIF || r.header.Get("Content-Type") != "image/gif" || r.header.Get("Cache-Control") != "no-store" {
		f.t.Errorf("%s: answer %d %v %q", query, r.status, r.header, r.text)
	}
	return r
}

// wantReason checks the status and the code of the reason of an image.
func (r answer) wantReason(t *testing.T, status int, code string) {
	t.Helper()
	got, _, _ := strings.Cut(r.header.Get(api.HeaderReason), ":")
	if r.status != status || got != code {
		t.Errorf("answer %d %q, want %d %q", r.status, r.header.Get(api.HeaderReason), status, code)
	}
}

const openedMail = "category=page%20interaction&name=cta%20click&d.host=a.example&d.path=/&d.element=x&event_id=1&sender=s"

func TestPixelAcceptsTheEventOfItsQuery(t *testing.T) {
	f := newFixture(t)
	f.loadPixel(shopKey, openedMail).wantReason(t, http.StatusOK, "")
	m := f.storedMessages()[0]
	if m.Subject != stream.Subject("shop", "page interaction", "cta click") || m.Header.Get(stream.HeaderFormat) != "pixel" ||
		string(m.Data) != `{"category":"page interaction","name":"cta click","event_id":"1","sender":"s","data":{"host":"a.example","path":"/","element":"x"}}` {
		t.Errorf("message %s %v %s", m.Subject, m.Header, m.Data)
	}
}

// An event that cannot be stored breaks no image: it is accepted, and rejected later.
func TestPixelNamesTheReasonOfARejection(t *testing.T) {
	f := newFixture(t)
	for query, code := range map[string]string{
		"category=a": event.CodeInvalidName, "name=%00": event.CodeInvalidCategory, "category=a&name=b&data=7": event.CodeInvalidData,
		"category=a&name=b&d.x=1&d.x=2": event.CodeDuplicateKey, "category=a&name=b&session_id=%0D%0AX-A:é": event.CodeInvalidSessionID,
	} {
		before := f.messageCount()
		f.loadPixel(shopKey, query).wantReason(t, http.StatusOK, code)
		if n := f.messageCount() - before; n != 1 {
			t.Errorf("%s: %d messages", query, n)
		}
	}
}

// Who may not send events gets the status of other requests, and an image, so that no
// page can ask by images which keys exist.
func TestPixelRefusesKeys(t *testing.T) {
	f := newFixture(t)
	for key, want := range map[string]struct {
		status int
		code   string
	}{
		"": {http.StatusUnauthorized, api.CodeUnauthorized}, "no-key": {http.StatusUnauthorized, api.CodeUnauthorized},
		token: {http.StatusUnauthorized, api.CodeTokenNotWriteKey}, disabledKey: {http.StatusForbidden, api.CodeKeyDisabled},
		serverKey: {http.StatusForbidden, api.CodeServerKeyInPage},
	} {
		r := f.loadPixel(key, openedMail)
		r.wantReason(t, want.status, want.code)
		if key != "" && strings.Contains(r.header.Get(api.HeaderReason), key) {
			t.Errorf("the reason shows the key: %s", r.header.Get(api.HeaderReason))
		}
	}
	f.loadPixel(shopKey, openedMail, "Origin", "https://elsewhere.example").wantReason(t, http.StatusForbidden, api.CodeOriginNotAllowed)
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}

// A key over its rate gets an image, too, and a later moment.
func TestPixelIsLimited(t *testing.T) {
	f, _ := newLimitedFixture(t, 1, 0)
	f.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	r := f.loadPixel(limitedKey, openedMail)
	r.wantReason(t, http.StatusTooManyRequests, api.CodeRateLimited)
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
}

// Neither a request for the header alone counts, nor an image that is loaded ahead. A page that is rendered ahead is counted, since it does not load it again.
func TestPixelCountsNoPrefetch(t *testing.T) {
	f := newFixture(t)
	for _, header := range [][]string{{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;anonymous-client-ip"}, {"Purpose", "prefetch"}, {"X-Moz", "prefetch"}} {
		f.loadPixel(shopKey, openedMail, header...).wantReason(t, http.StatusOK, "prefetch")
	}
	if r := f.sendBy(http.MethodHead, api.PathPixel+"?write_key="+shopKey+"&"+openedMail, nil, "X-Write-Key", "-"); r.status != http.StatusOK || r.header.Get("Content-Length") != "43" {
		t.Errorf("answer %d %v", r.status, r.header)
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
	f.loadPixel(shopKey, openedMail, "Sec-Purpose", "prefetch;prerender").wantReason(t, http.StatusOK, "")
	if n := f.messageCount(); n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

// The setting of the application holds for images as for the formats of other products.
func TestPixelTakesTheSettingOfMissingSessions(t *testing.T) {
	f := newFixture(t)
	before := f.service.currentAccess()
	f.applyFiles(fstest.MapFS{"applications/strict.json": {Data: []byte(
		`{"keys": [{"sha256": "` + sha256Hex("strict-key") + `", "kind": "browser", "origins": ["` + shopOrigin + `"]}], "missing_session": "reject"}`)}})
	f.waitUntil("the application is known", func() bool { return f.service.currentAccess() != before })
	f.loadPixel("strict-key", openedMail).wantReason(t, http.StatusOK, event.CodeInvalidSessionID)
	if got := f.storedMessages()[0].Header.Get(stream.HeaderMissingSession); got != event.SessionRequired {
		t.Errorf("the message says %q", got)
	}
}
