package cmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
)

const statusHealthy = `{"stream": {"messages": 1234, "bytes": 5368709120, "max_bytes": 10737418240, "first_seq": 7, "last_seq": 1240,
	"oldest": "2026-11-20T10:00:00.000000Z"}, "lag": {"events": 12, "seconds": 3.456}, "store": {"ready": true, "revision": 41},
	"registry": {"revision": 42}, "services": [
	{"service": "collector", "instance": "01234567-89ab-cdef-0123-456789abcdef", "version": "v1.2.3", "commit": "0123456789abcdef", "revision": 42,
	 "started_at": "2026-11-24T10:00:00.000000Z", "seen_at": "2026-11-24T11:00:00.500000Z"},
	{"service": "processor", "instance": "a", "version": "dev", "commit": "unknown", "revision": 41,
	 "started_at": "2026-11-24T10:00:00.000000Z", "seen_at": "2026-11-24T11:00:00.500000Z"}]}`

const statusShown = `stream    1234 events, 5.0 GiB of 10.0 GiB (50.0 %), since 2026-11-20T10:00:00Z
lag       12 events, 3.5s
store     ready, revision 41
registry  revision 42
SERVICE    INSTANCE  VERSION  COMMIT        REVISION   STARTED               SEEN
collector  01234567  v1.2.3   0123456789ab  42         2026-11-24T10:00:00Z  2026-11-24T11:00:00Z
processor  a         dev      unknown       41 BEHIND  2026-11-24T10:00:00Z  2026-11-24T11:00:00Z
`

// The exit code says only whether the status could be read.
func TestStatusMarksProblems(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"healthy": {statusHealthy, statusShown},
		"no processor": {
			`{"stream": {"messages": 9, "bytes": 0, "max_bytes": -1, "first_seq": 1, "last_seq": 9}, "lag": {"events": 9, "seconds": 1},
			"processing": {"active": false, "reason": "no processor is running"}, "store": {"ready": true}, "registry": {"revision": 0}, "services": []}`,
			"stream    9 events, 0 B\nlag       9 events, 1s\nstore     ready\nregistry  revision 0\n" +
				"NOT PROCESSING: no processor is running\nSERVICE  INSTANCE  VERSION  COMMIT  REVISION  STARTED  SEEN\n",
		},
		"silent applications": {
			`{"stream": {"messages": 0, "bytes": 0, "max_bytes": -1, "first_seq": 1, "last_seq": 0}, "lag": {"events": 0, "seconds": 0},
			"store": {"ready": true}, "registry": {"revision": 0}, "services": [], "silent_applications": [{"application": "shop",
			"last_received_at": "2026-11-24T10:00:00.000000Z", "silent_seconds": 5400, "longest_pause_seconds": 600}]}`,
			"stream    0 events, 0 B\nlag       0 events, 0s\nstore     ready\nregistry  revision 0\n" +
				"SILENT: shop has sent nothing for 1h30m0s, since 2026-11-24T10:00:00Z; its longest pause in the week before was 10m0s\n" +
				"SERVICE  INSTANCE  VERSION  COMMIT  REVISION  STARTED  SEEN\n",
		},
		"unhealthy": {
			`{"stream": {"messages": 0, "bytes": 0, "max_bytes": -1, "first_seq": 1, "last_seq": 0}, "lag": {"events": 0, "seconds": 0},
			"store": {"ready": false}, "registry": {"revision": 0}}`,
			"stream    0 events, 0 B\nlag       0 events, 0s\nstore     NOT READY: events wait in the stream\n" +
				"registry  revision 0\nservices  unknown: their heartbeats cannot be read\n",
		},
	} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: c.body})
		code, out, errs := call(t, "status", "--url", d.URL)
		if diff := cmp.Diff(c.want, out); diff != "" || code != daemon.ExitOK || errs != "" {
			t.Errorf("%s: %d %s\n%s", name, code, errs, diff)
		}
	}
	d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: statusHealthy})
	code, out, _ := call(t, "status", "--url", d.URL, "--json")
	if code != daemon.ExitOK || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"seconds":3.456`) {
		t.Errorf("%d %s", code, out)
	}
	d.Close()
	if code, _, _ := call(t, "status", "--url", d.URL); code != daemon.ExitUnreachable {
		t.Errorf("exit code %d", code)
	}
}

func TestAnswersDoNotControlTheTerminal(t *testing.T) {
	d := clienttest.NewServer(t, clienttest.Answer{Status: 404, Body: `{"code": "not_found", "detail": "\u001b[2J\u009b\u202e"}`})
	_, _, errs := call(t, "schema", "show", "a", "b", "--url", d.URL)
	if strings.ContainsAny(errs, "\x1b\u009b\u202e") || !strings.Contains(errs, "not_found") {
		t.Errorf("%q", errs)
	}
	d = clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: `{"name": "\u001b[2J", "revision": 1, "key": {"id": "x", "kind": "\u001b[0m", "secret": "eye_\u001b"}}`})
	_, out, errs := call(t, "app", "create", "a", "--url", d.URL)
	if strings.Contains(out+errs, "\x1b") {
		t.Errorf("%q", out+errs)
	}
	d = clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: "{\"title\": \"\u009b2J\x7f\"}"})
	if _, out, _ := call(t, "schema", "show", "a", "b", "--url", d.URL); out != "{\n  \"title\": \"\\u009b2J\\u007f\"\n}\n" {
		t.Errorf("%q", out)
	}
}
