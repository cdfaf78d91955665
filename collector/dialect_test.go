package collector

import (
	"net/http"
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

// The key decides whose adapters count; a key without them is told so, whatever the
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
