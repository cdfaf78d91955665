package cmd

import (
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
)

const traced = `{"application": "shop", "event_id": "a/b", "received_at": "2026-01-31T08:00:00.000000Z", "origin": {"epoch": 1, "seq": 12}, "message": "kept",
"outcomes": [
 {"basis": "store", "revision": 7, "status": "stored"},
 {"basis": "recomputed", "revision": 4, "status": "rejected", "at": "2026-01-31T08:00:00.000000Z",
  "errors": [{"code": "schema_violation", "path": "/data/x", "message": "is missing"}, {"code": "other"}]},
 {"basis": "recomputed", "revision": 6, "status": "rejected", "at": "2026-01-31T09:00:00.000000Z", "job": "j1", "may_have_touched": true, "errors": [{"code": "other"}]},
 {"basis": "recomputed", "revision": 7, "status": "stored", "at": "2026-01-31T10:00:00.000000Z", "job": "j2"}],
"outcomes_omitted": 2,
"copies": [{"received_at": "2026-01-31T08:30:00.000000Z", "origin": {"seq": 13}, "content_hash": "abc"}]}`

func TestTraceEndsWithTheStoredOutcome(t *testing.T) {
	d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: traced})
	code, out, errs := call(t, "trace", "a/b", "--application", "shop", "--url", d.URL)
	want := `event a/b of shop: received 2026-01-31T08:00:00.000000Z, sequence 12; the stream keeps its message
TIME                         REVISION  OUTCOME   HOW                                CODE              PATH     REASON
2026-01-31T08:00:00.000000Z  4         rejected  when received                      schema_violation  /data/x  is missing
                                                                                    other
2026-01-31T09:00:00.000000Z  6         rejected  replay j1, unless it was left out  other
2026-01-31T10:00:00.000000Z  7         stored    replay j2
                             7         stored    kept now

Other contents that were sent under this id are kept as rejected, id_conflict:
RECEIVED                     SEQUENCE  CONTENT
2026-01-31T08:30:00.000000Z  13        abc
`
	if code != daemon.ExitOK || out != want || !strings.Contains(errs, "and 2 more replays") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if r := d.Requests[0]; r.RequestURI != "/v1/events/a%2Fb/trace?application=shop" {
		t.Errorf("asked for %s", r.RequestURI)
	}
}

func TestTraceSaysWhetherTheMessageIsKept(t *testing.T) {
	for message, want := range map[string]string{"kept": "pending: it has no outcome yet", "purged": "is purged", "lost": "LOST in the stream"} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: strings.Replace(
			`{"application": "a\u001b[2J", "event_id": "e\n", "message": "?", "outcomes": []}`, "?", message, 1)})
		code, out, _ := call(t, "trace", "e", "--url", d.URL)
		if code != daemon.ExitOK || !strings.Contains(out, want) || !strings.Contains(out, `event e\n of a\x1b[2J`) {
			t.Errorf("%s: %d %s", message, code, out)
		}
	}
	d := clienttest.NewServer(t, clienttest.Answer{Status: 409, Body: `{"code": "ambiguous", "detail": "say which application"}`})
	if code, out, errs := call(t, "trace", "e", "--url", d.URL); code != daemon.ExitFailure || out != "" || !strings.Contains(errs, "event e: 409") {
		t.Errorf("%d %q %q", code, out, errs)
	}
}
