package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/theeye/output"
)

// streamPart is an answer of a server: the body, cut off behind it or ended with
// trailers.
type streamPart struct {
	status int
	body   string
	cut    bool
	next   string
}

// streamServer answers one request after the other, and keeps the queries.
type streamServer struct {
	*httptest.Server
	parts   []streamPart
	queries []url.Values
	lastIDs []string
}

func newStreamServer(t *testing.T, parts ...streamPart) *streamServer {
	s := &streamServer{parts: parts}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part := s.parts[min(len(s.queries), len(s.parts)-1)]
		s.queries = append(s.queries, r.URL.Query())
		s.lastIDs = append(s.lastIDs, r.Header.Get("Last-Event-ID"))
		if part.status != 0 {
			w.WriteHeader(part.status)
			_, _ = io.WriteString(w, part.body)
			return
		}
		w.Header().Set("Trailer", "Eye-Complete, Eye-Next-Cursor")
		w.Header().Set("Eye-From", "2026-01-01T00:00:00.000000Z")
		w.Header().Set("Eye-To", "2026-02-01T00:00:00.000000Z")
		_, _ = io.WriteString(w, part.body)
		_ = http.NewResponseController(w).Flush()
		if part.cut {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Eye-Complete", fmt.Sprint(part.next == ""))
		w.Header().Set("Eye-Next-Cursor", part.next)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *streamServer) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: s.URL, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// export runs an export of a format into a file.
func (s *streamServer) export(t *testing.T, format string) (string, *exportFile, error) {
	t.Helper()
	out := &exportFile{path: filepath.Join(t.TempDir(), "events")}
	if err := out.create(); err != nil {
		t.Fatal(err)
	}
	p := output.New(io.Discard, io.Discard, false, false)
	x := &exporting{
		server: s.client(t), query: url.Values{"format": {format}}, rows: newRowWriter(format, out), bar: p.StartByteBar("", 0), remarkf: p.Remarkf,
	}
	err := x.writeParts(t.Context())
	if err := out.finishFile(err == nil); err != nil {
		t.Fatal(err)
	}
	name := out.path
	if err != nil {
		name += partSuffix
	}
	raw, _ := os.ReadFile(name)
	return string(raw), out, err
}

func jsonEvent(id, at string) string {
	return fmt.Sprintf(`{"event_id":%q,"application":"shop","data":{},"timestamp":"2026-01-01T00:00:0%s.000000Z","received_at":"2026-01-01T00:00:00.000000Z"}`+"\n", id, at)
}

const (
	csvHeader = "event_id,application,session_id,category,name,timestamp,received_at,schema_version,data.a,\"data.\"\"b,c\"\"\",data_rest\r\n"
	csvRow1   = "one,shop,s,c,n,2026-01-01T00:00:01.000000Z,2026-01-01T00:00:00.000000Z,1,\"x\n\"\"y\"\"\",,\r\n"
	csvRow2   = "\"'=two\r\n\"\"\",shop,s,c,n,2026-01-01T00:00:02.000000Z,2026-01-01T00:00:00.000000Z,1,,,\r\n"
	csvRow3   = "three,shop,s,c,n,2026-01-01T00:00:03.000000Z,2026-01-01T00:00:00.000000Z,1,,,\r\n"
)

// An export whose connection is cut anywhere goes on behind the last whole row, and
// has each row once.
func TestExportGoesOnBehindACut(t *testing.T) {
	one, two, three := jsonEvent("one", "1"), jsonEvent("two/2", "2"), jsonEvent("three", "3")
	for name, c := range map[string]struct {
		format string
		parts  []streamPart
		// cursors are those of the requests.
		cursors []string
		want    string
	}{
		"ndjson": {
			"ndjson",
			[]streamPart{{body: "", cut: true}, {body: one + two + three[:20], cut: true}, {body: three + `{"_end":true,"events":1,"next_cursor":"c"}` + "\n", next: "c"}, {body: `{"_end":true,"events":0,"next_cursor":null}` + "\n"}},
			[]string{"", "", "2026-01-01T00:00:02.000000Z/shop/two/2", "c"},
			one + two + three + `{"_end":true,"events":3,"next_cursor":null}` + "\n",
		},
		"ndjson, cut before the trailers": {
			"ndjson",
			[]streamPart{{body: one + `{"_end":true,"events":1,"next_cursor":null}` + "\n", cut: true}, {body: `{"_end":true,"events":0,"next_cursor":null}` + "\n"}},
			[]string{"", "2026-01-01T00:00:01.000000Z/shop/one"},
			one + `{"_end":true,"events":1,"next_cursor":null}` + "\n",
		},
		"csv": {
			"csv",
			[]streamPart{{body: csvHeader[:30], cut: true}, {body: csvHeader + csvRow1 + csvRow2 + csvRow3[:5], cut: true}, {body: csvHeader + "_incomplete,next_cursor,c\r\n", next: "c"}, {body: csvHeader + csvRow3}},
			[]string{"", "", "2026-01-01T00:00:02.000000Z/shop/=two\r\n\"", "c"},
			csvHeader + csvRow1 + csvRow2 + csvRow3,
		},
		"parquet": {
			"parquet",
			[]streamPart{{body: "PAR1half", cut: true}, {body: "PAR1other", next: "c"}, {body: "PAR1wholePAR1"}},
			[]string{"", "", ""},
			"PAR1wholePAR1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreamServer(t, c.parts...)
			got, _, err := s.export(t, c.format)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			var cursors []string
			for i, q := range s.queries {
				cursors = append(cursors, q.Get("cursor"))
				if i > 0 && (q.Get("from") != "2026-01-01T00:00:00.000000Z" || q.Get("to") != "2026-02-01T00:00:00.000000Z") {
					t.Errorf("request %d has the range %v", i, q)
				}
			}
			if diff := cmp.Diff(c.cursors, cursors); diff != "" {
				t.Errorf("cursors (-want +got):\n%s", diff)
			}
			if last := s.queries[len(s.queries)-1]; c.format == "csv" && last.Get("columns") != `data.a,data."b,c"` {
				t.Errorf("columns %q", last.Get("columns"))
			}
		})
	}
}

// An export that cannot be completed fails with exit code 1, and its file does not
// have the name of a whole one.
func TestExportThatIsNotWholeFails(t *testing.T) {
	for name, c := range map[string]struct {
		format string
		parts  []streamPart
		tries  int
		part   string
	}{
		"cut for ever":     {"ndjson", []streamPart{{body: jsonEvent("one", "1")[:9], cut: true}}, exportAttempts, ""},
		"then refused":     {"csv", []streamPart{{body: csvHeader + csvRow1, cut: true}, {status: 401, body: `{"code":"unauthorized"}`}}, 2, csvHeader + csvRow1},
		"other columns":    {"csv", []streamPart{{body: csvHeader + csvRow1, cut: true}, {body: "other\r\n" + csvRow2}}, 2, csvHeader + csvRow1},
		"without trailers": {"parquet", []streamPart{{body: "PAR1", cut: true}}, exportAttempts, "PAR1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreamServer(t, c.parts...)
			part, out, err := s.export(t, c.format)
			if err == nil || len(s.queries) != c.tries || part != c.part {
				t.Errorf("%v after %d requests, %q", err, len(s.queries), part)
			}
			if _, err := os.Stat(out.path); err == nil {
				t.Error("the file looks whole")
			}
			if code := exitCodeOf(fmt.Errorf("%w: %w", errNotWhole, notUnreachable{err})); code != daemon.ExitFailure {
				t.Errorf("exit code %d", code)
			}
		})
	}
	s := newStreamServer(t, streamPart{status: 400, body: `{"code":"invalid_filter"}`})
	if _, _, err := s.export(t, "csv"); exitCodeOf(err) != daemon.ExitUsage || len(s.queries) != 1 {
		t.Errorf("%v after %d requests", err, len(s.queries))
	}
}

// A stream that ends is opened again behind the last id; what the server says about
// it is shown; one that the server ends for good fails.
func TestTailGoesOn(t *testing.T) {
	event := func(id, name string) string {
		return fmt.Sprintf("id: 1-%s\ndata: {\"event_id\":%q,\"application\":\"shop\",\"status\":\"stored\",\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"category\":\"c\",\"name\":%q,\"received_at\":\"2026-01-01T00:00:00.000000Z\",\"content_hash\":\"\",\"origin\":{\"epoch\":1,\"seq\":1},\"revision\":1}\n\n", id, name, name)
	}
	s := newStreamServer(t,
		streamPart{body: ": hb\nid: 1-1\n\n" + event("2", "a") + "id: 1-3\ndata: {\"ev", cut: true},
		streamPart{body: event("3", "b\u009b31m") + ": hb\nid: 1-8\n\n" + "event: dropped\ndata: {\"missed\":3,\"resume\":\"1-7\"}\n\n"},
		streamPart{status: 503, body: `{"code":"starting"}`},
		streamPart{body: "event: gap\nid: 1-9\ndata: {\"after\":\"1-7\",\"resume\":\"1-9\",\"missed\":2}\n\nevent: end\ndata: {\"code\":\"stopping\",\"detail\":\"d\"}\n\n"},
		streamPart{body: event("10", "c") + "event: end\ndata: {\"code\":\"unauthorized\",\"detail\":\"revoked\"}\n\n"},
	)
	var out, errs bytes.Buffer
	err := (&tail{p: output.New(&out, &errs, false, false), server: s.client(t), query: url.Values{}}).printStream(t.Context())
	var ended *endedError
	if !errors.As(err, &ended) || ended.Code != "unauthorized" || exitCodeOf(err) != daemon.ExitFailure {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"", "1-2", "1-7", "1-7", "1-9"}, s.lastIDs); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 3 || strings.Contains(out.String(), "\u009b") || !strings.Contains(lines[1], `c / b\u009b31m`) {
		t.Errorf("%q", out.String())
	}
	if !strings.Contains(errs.String(), "up to 2 events") {
		t.Errorf("the gap is not told: %s", &errs)
	}
	out.Reset()
	s = newStreamServer(t, streamPart{body: event("2", "a") + event("3", "b") + event("4", "c")})
	err = (&tail{p: output.New(&out, &errs, true, false), server: s.client(t), query: url.Values{}, left: 2}).printStream(t.Context())
	if !errors.Is(err, errCounted) || strings.Count(out.String(), "\n") != 2 || !strings.HasPrefix(out.String(), `{"event_id":"a"`) {
		t.Errorf("%v %q", err, out.String())
	}
	s = newStreamServer(t, streamPart{status: 401, body: `{"code":"unauthorized"}`})
	if err := (&tail{p: output.New(&out, &errs, true, false), server: s.client(t), query: url.Values{}}).printStream(t.Context()); exitCodeOf(err) != daemon.ExitUsage {
		t.Error(err)
	}
}
