package queryapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// A selection that can match nothing is refused, with the nearest name, before it
// makes a revision or a job. So is it for dry runs and audits.
func TestSelectionOfNothingIsRefused(t *testing.T) {
	fx := newFixture(t)
	revision := fx.asOperator(http.StatusCreated, "PUT", typePath("shop", "order"), `{}`).Revision
	eventually(t, "the type is known", func() bool { return fx.revisionMetric() == revision })
	expect := func(body, path, text string) {
		t.Helper()
		for _, kind := range []string{"false", "true"} {
			got := fx.ask("POST", operator, "/v1/replays", strings.Replace(body, "{", `{"dry_run":`+kind+",", 1))
			if got.status != http.StatusUnprocessableEntity || len(got.Faults) == 0 || got.Faults[0].Path != path || !strings.Contains(got.Faults[0].Message, text) {
				t.Errorf("%s: %d %s, want %q at %q", body, got.status, got.raw, text, path)
			}
		}
	}
	expect(`{"from_seq":1}`, "/", "the stream has no event yet")
	for range 10 {
		fx.publish("shop", time.Now(), `{}`)
	}
	for _, c := range []struct{ body, path, text string }{
		{`{"application":"shp"}`, "/application", `did you mean "shop"?`},
		{`{"application":"shoop","only":"rejected"}`, "/application", `did you mean "shop"?`},
		{`{"application":"warehouse"}`, "/application", `no application "warehouse"`},
		{`{"category":"shp"}`, "/category", `did you mean "shop"?`},
		{`{"category":"shop","name":"ordr"}`, "/name", `did you mean "order"?`},
		{`{"category":"Shop","name":"order"}`, "/category", `did you mean "shop"?`},
		{`{"name":"basket"}`, "/name", `"basket"`},
		{`{"code":"nosuch"}`, "/code", `"nosuch"`},
		{`{"code":"unknown_typ"}`, "/code", `did you mean "unknown_type"?`},
		{`{"code":"Schema_Violation"}`, "/code", `did you mean "schema_violation"?`},
		{`{"from":"2999-01-01T00:00:00Z"}`, "/from", "in the future"},
		{`{"to":"2020-01-01T00:00:00Z"}`, "/to", "no event before"},
		{`{"from":"2019-01-01T00:00:00Z","to":"2020-01-01T00:00:00Z"}`, "/to", "no event before"},
		{`{"from_seq":11}`, "/from_seq", "ends at sequence 10"},
		{`{"from_seq":11,"to_seq":20}`, "/from_seq", "ends at sequence 10"},
	} {
		expect(c.body, c.path, c.text)
	}
	s, err := fx.js.Stream(fx.ctx(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(fx.ctx(), jetstream.WithPurgeSequence(8)); err != nil {
		t.Fatal(err)
	}
	expect(`{"to_seq":7}`, "/to_seq", "all 7 of the range are purged from the stream, which begins at sequence 8")
	expect(`{"from_seq":3,"to_seq":5}`, "/to_seq", "all 3 of the range are purged")
	if err := s.Purge(fx.ctx()); err != nil {
		t.Fatal(err)
	}
	expect(`{"only":"rejected"}`, "/", "all 10 events are purged")
	if got := fx.ask("POST", operator, "/v1/audits", `{"from_seq":11}`); got.status != http.StatusUnprocessableEntity {
		t.Errorf("an audit behind the end: %d %s", got.status, got.raw)
	}
	if got := fx.ask("POST", operator, "/v1/audits", `{"from":"2999-01-01T00:00:00Z"}`); got.status != http.StatusUnprocessableEntity {
		t.Errorf("an audit of the future: %d %s", got.status, got.raw)
	}
	if all := append(fx.listJobs("/v1/replays"), fx.listJobs("/v1/audits")...); len(all) > 0 {
		t.Errorf("jobs were made: %+v", all)
	}
	if now := fx.revisionMetric(); now != revision {
		t.Errorf("revision %d became %d", revision, now)
	}
	for _, body := range []string{`{}`, `{"to_seq":7}`} { // an audit accounts for purged sequences, too
		if got := fx.ask("POST", operator, "/v1/audits", body); got.status != http.StatusAccepted {
			t.Errorf("an audit %s: %d %s", body, got.status, got.raw)
		}
	}
}

// Selections that may match are started: an application that was removed, a type
// that is known to the store or to a dry run alone, and ends in the far future.
func TestSelectionThatMayMatchIsStarted(t *testing.T) {
	fx := newFixture(t)
	fx.publish("gone", time.Now(), `{}`)
	fx.putEvents("shop", time.Now(), `{"event_id":"e","session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"old","name":"kind","data":{},"timestamp":"2026-01-01T00:00:00Z"}`)
	for _, body := range []string{
		`{}`, `{"application":"gone"}`, `{"category":"old"}`, `{"name":"kind"}`, `{"category":"old","name":"kind"}`,
		`{"dry_run":true,"category":"new","name":"type","schemas":[{"category":"new","name":"type","schema":{}}]}`, `{"to":"2999-01-01T00:00:00Z"}`,
		`{"from":"1900-01-01T00:00:00Z"}`, `{"code":"id_conflict"}`, fmt.Sprintf(`{"to_seq":%d}`, uint64(1)<<62),
	} {
		if got := fx.send("POST", operator, "/v1/replays", body); got.status != http.StatusAccepted {
			t.Errorf("%s: %d %s", body, got.status, got.raw)
		}
	}
}
