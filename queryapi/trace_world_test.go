package queryapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// traceItem is the answer of a trace.
type traceItem struct {
	Application string
	EventID     string `json:"event_id"`
	ReceivedAt  string `json:"received_at"`
	Origin      store.Origin
	Message     string
	Outcomes    []outcomeItem
	Omitted     int `json:"outcomes_omitted"`
	Copies      []struct {
		ReceivedAt  string `json:"received_at"`
		Origin      store.Origin
		ContentHash string `json:"content_hash"`
	}
}

type outcomeItem struct {
	Basis         string
	Revision      uint64
	Status        string
	Errors        []event.Fault
	SchemaVersion uint64 `json:"schema_version"`
	At, Job       string
	Maybe         bool `json:"may_have_touched"`
}

// trace asks for the trace of an event of shop.
func (w *world) trace(id string) traceItem {
	w.t.Helper()
	resp, body := w.do(http.MethodGet, shopOnly, "/v1/events/"+url.PathEscape(id)+"/trace?application=shop")
	var tr traceItem
	if err := json.Unmarshal([]byte(body), &tr); err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%d %v %s", resp.StatusCode, err, body)
	}
	return tr
}

// epoch is that of the stream.
func (w *world) epoch() int64 {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx(), stream.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.CachedInfo().Created.UnixMicro()
}

// process judges a message by a revision and writes it, as processors do.
func (w *world) process(seq, revision uint64) *store.Document {
	w.t.Helper()
	set, err := registry.At(w.ctx(), w.js, revision)
	if err != nil {
		w.t.Fatal(err)
	}
	var d *store.Document
	for portion, err := range stream.Read(w.ctx(), w.js, stream.Range{First: seq, Last: seq}) {
		if err != nil || len(portion) != 1 {
			w.t.Fatalf("%d messages at %d: %v", len(portion), seq, err)
		}
		d, _ = outcome.Evaluate(portion[0], set, w.epoch())
	}
	w.write(d)
	return d
}

// replayed starts a replay that then goes as far as change says.
func (w *world) replayed(body string, change func(*job.Job)) jobItem {
	w.t.Helper()
	made := w.start("/v1/replays", body)
	w.saved(made.ID, func(j *job.Job) {
		j.State, j.StartedAt, j.EndedAt = job.Done, time.Now().UTC(), time.Now().UTC().Add(time.Second)
		if change != nil {
			change(j)
		}
	})
	return made
}
