package sdks

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/theeye/theeye/test/clients"
)

// recorder keeps the requests with events that pass, on their way through a gate.
type recorder struct {
	gate clients.Gate

	mu       sync.Mutex
	requests []request
}

// request is one that an SDK has sent, with its body decompressed. Without a body, the
// query may hold an event.
type request struct {
	header http.Header
	query  url.Values
	body   []byte
}

// newRecorder returns a recorder in front of a collector, and its address.
func newRecorder(t *testing.T, collector string) (*recorder, string) {
	t.Helper()
	r := &recorder{gate: clients.Gate{Target: collector}}
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = log.New(t.Output(), "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return r, server.URL
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has given up
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		if body, err = io.ReadAll(z); err != nil {
			panic(err)
		}
	}
	r.mu.Lock()
	r.requests = append(r.requests, request{header: req.Header.Clone(), query: req.URL.Query(), body: body})
	r.mu.Unlock()
	r.gate.ServeHTTP(w, req)
}

// sent returns the requests in which a mark is.
func (r *recorder) sent(mark string) []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.requests), func(q request) bool {
		elsewhere, _ := json.Marshal([]any{q.header, q.query})
		return !bytes.Contains(q.body, []byte(mark)) && !bytes.Contains(elsewhere, []byte(mark))
	})
}

// decode decodes JSON, with numbers as they are written.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}
