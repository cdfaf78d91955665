package queryapi_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// january selects the events of putNumbered.
const january = "from=2026-01-01&to=2026-02-01"

// putNumbered stores n events of an application, a minute apart.
func (fx *fixture) putNumbered(application string, n int) {
	fx.t.Helper()
	docs := make([]*store.Document, n)
	for i := range docs {
		at := time.Date(2026, 1, 1, 0, i, 0, 1000*i, time.UTC).Format(time.RFC3339Nano)
		docs[i] = fx.document(application, time.Now(), strings.Replace(
			anEvent(fmt.Sprintf("%s-%05d", application, i), aSession, "c", "=n", at), `"data":{`, fmt.Sprintf(`"data":{"n":%d,"text":"-%d\"\n",`, i, i), 1))
	}
	fx.writeDocuments(docs...)
}

// exported is the answer to an export.
type exported struct {
	*http.Response
	body string
}

func (fx *fixture) export(token, parameters string) exported {
	fx.t.Helper()
	resp, body := fx.do(http.MethodGet, token, "/v1/export?"+parameters)
	return exported{resp, body}
}

// ids lists the events of an export, in any format.
func (e *exported) ids(t *testing.T) (ids []string) {
	t.Helper()
	switch e.Header.Get("Content-Type") {
	case "application/x-ndjson":
		for line := range strings.Lines(e.body) {
			var got struct {
				EventID string `json:"event_id"`
				End     bool   `json:"_end"`
			}
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if !got.End {
				ids = append(ids, got.EventID)
			}
		}
	case "text/csv; charset=utf-8":
		r := csv.NewReader(strings.NewReader(e.body))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			if len(row) == len(rows[0]) {
				ids = append(ids, row[0])
			}
		}
	default:
		type row struct {
			EventID string `parquet:"event_id"`
		}
		rows, err := parquet.Read[row](strings.NewReader(e.body), int64(len(e.body)))
		if err != nil {
			return nil // no file
		}
		for _, r := range rows {
			ids = append(ids, r.EventID)
		}
	}
	return ids
}

// wantEnd fails unless the trailers say that the export is whole, or how it goes on.
func (e *exported) wantEnd(t *testing.T, complete bool) {
	t.Helper()
	next := e.Trailer.Get("Eye-Next-Cursor")
	if e.StatusCode != http.StatusOK || e.Trailer.Get("Eye-Complete") != fmt.Sprint(complete) || (next == "") != complete {
		t.Errorf("%d %v %v: %.200s", e.StatusCode, e.Header, e.Trailer, e.body)
	}
}

func numbered(application string, from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("%s-%05d", application, i))
	}
	return ids
}

var formats = []string{"ndjson", "csv", "parquet"}

func TestExportHasEveryEventThatMatches(t *testing.T) {
	fx := newFixture(t)
	fx.putNumbered("shop", 2300)
	fx.putNumbered("blog", 40)
	for _, format := range formats {
		for parameters, want := range map[string][]string{
			"application=shop&" + january: numbered("shop", 0, 2300),
			"application=shop&" + january + "&filter=data.n%3E%3D2290&filter=data.n!%3D2295":     append(numbered("shop", 2290, 2295), numbered("shop", 2296, 2300)...),
			"application=shop&from=2026-01-01T00:10:00Z&to=2026-01-01T00:12:00Z":                 numbered("shop", 10, 12),
			"application=shop&category=none&" + january:                                          nil,
			"application=blog&name=%3Dn&session_id=" + strings.ToUpper(aSession) + "&" + january: numbered("blog", 0, 40),
			"application=shop": nil, // the last seven days
		} {
			got := fx.export(operator, "format="+format+"&"+parameters)
			got.wantEnd(t, true)
			if diff := cmp.Diff(want, got.ids(t)); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", format, parameters, diff)
			}
			if got.Header.Get("Cache-Control") != "private, no-store" || got.Header.Get("Eye-From") == "" || got.Header.Get("Eye-To") == "" {
				t.Errorf("%v", got.Header)
			}
		}
		resp, body := fx.do(http.MethodHead, operator, "/v1/export?format="+format)
		if resp.StatusCode != http.StatusOK || body != "" {
			t.Errorf("HEAD: %d %q", resp.StatusCode, body)
		}
		plain, text := fx.getPlain(operator, "/v1/export?format="+format+"&application=shop&"+january, "gzip")
		if zipped := plain.Header.Get("Content-Encoding") == "gzip"; zipped != (format != "parquet") || zipped && len(text) > 300_000 {
			t.Errorf("%s: %v, %d bytes", format, plain.Header, len(text))
		}
	}
	// A token sees the events of its applications.
	for token, want := range map[string]int{operator: 2340, analyst: 2340, shopOnly: 2300, noApplication: 0} {
		got := fx.export(token, january)
		if got.wantEnd(t, true); len(got.ids(t)) != want {
			t.Errorf("%s: %d events", token, len(got.ids(t)))
		}
	}
}

func TestExportRefusesWhatItCannotRead(t *testing.T) {
	fx := newFixture(t)
	for parameters, code := range map[string]string{
		"format=xml": "invalid_parameter", "columns=data.a": "invalid_parameter", "format=csv&columns=name": "invalid_parameter",
		"format=csv&columns=data.a,,data.b": "invalid_parameter", "format=csv&columns=data.a[]": "invalid_parameter", "format=csv&columns=data.a,data.a": "invalid_parameter",
		"limit=5": "unknown_parameter", "filter=data.a": "invalid_filter", "filter=x%3D1": "invalid_filter", "cursor=x": "invalid_cursor",
		"cursor=2026-01-01T00:00:00Z/shop": "invalid_cursor", "cursor=now/shop/x": "invalid_cursor", "from=2026-01-02&to=2026-01-01": "invalid_parameter",
		"filter=data.a%3D1&" + strings.Repeat("filter=data.a%3D1&", 20): "invalid_filter",
	} {
		status, got := fx.get(operator, "/v1/export?"+parameters)
		if status != http.StatusBadRequest || got.Code != code {
			t.Errorf("%s: %d %s", parameters, status, got.raw)
		}
	}
	_, got := fx.get(operator, "/v1/export?filter=data.a%3D1&filter=data.b!1")
	if !strings.Contains(got.raw, `"parameter":"filter"`) || !strings.Contains(got.raw, `"index":1`) || !strings.Contains(got.raw, `"position":`) || !strings.Contains(got.raw, `"expected":"`) {
		t.Error(got.raw)
	}
}

// pagedStore calls a function before each page.
type pagedStore struct {
	queryapi.Store
	pages  atomic.Int64
	before atomic.Value // func(ctx, page) error
}

func (p *pagedStore) Find(ctx context.Context, q query.Events) ([]*store.Document, error) {
	if before, ok := p.before.Load().(func(context.Context, int64) error); ok {
		if err := before(ctx, p.pages.Add(1)); err != nil {
			return nil, err
		}
	}
	return p.Store.Find(ctx, q)
}

// An export that the store fails says so in every format, and goes on by its cursor
// without a gap and without an event twice.
func TestExportThatIsNotWholeSaysSo(t *testing.T) {
	paged := &pagedStore{}
	fx := newFixture(t, func(c *queryapi.Config) { paged.Store, c.Store = c.Store, paged })
	fx.putNumbered("shop", 2500)
	for _, format := range formats {
		paged.pages.Store(0)
		paged.before.Store(func(_ context.Context, page int64) error {
			if page == 3 {
				return store.ErrUnavailable
			}
			return nil
		})
		parameters := "application=shop&format=" + format + "&" + january
		first := fx.export(operator, parameters)
		first.wantEnd(t, false)
		next := first.Trailer.Get("Eye-Next-Cursor")
		ids := first.ids(t)
		switch format {
		case "ndjson":
			if !strings.HasSuffix(first.body, fmt.Sprintf(`{"_end":true,"events":2000,"next_cursor":%q}`+"\n", next)) {
				t.Errorf("it ends with %q", first.body[len(first.body)-200:])
			}
		case "csv":
			if _, err := csv.NewReader(strings.NewReader(first.body)).ReadAll(); err == nil {
				t.Error("a reader takes it for whole")
			}
		case "parquet":
			if _, err := parquet.OpenFile(strings.NewReader(first.body), int64(len(first.body))); err == nil {
				t.Error("a reader takes it for whole")
			}
			ids = numbered("shop", 0, 2000)
		}
		rest := fx.export(operator, parameters+"&cursor="+next)
		rest.wantEnd(t, true)
		if diff := cmp.Diff(numbered("shop", 0, 2500), append(ids, rest.ids(t)...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
		// The last row of a stream that was cut off is a cursor, too.
		row := fx.export(operator, parameters+"&cursor="+url.QueryEscape("2026-01-01T00:04:00.000004Z/shop/shop-00004"))
		if row.wantEnd(t, true); len(row.ids(t)) != 2495 || row.ids(t)[0] != "shop-00005" {
			t.Errorf("%s: %d events behind a row", format, len(row.ids(t)))
		}
		if status, got := fx.get(operator, "/v1/export?application=blog&cursor="+next); status != http.StatusBadRequest || got.Code != "invalid_cursor" {
			t.Errorf("the cursor of another export: %d %s", status, got.raw)
		}
	}
	// A store that does not answer the first page is a problem, not a stream; so is a
	// panic.
	for _, fail := range []func(context.Context, int64) error{
		func(context.Context, int64) error { return store.ErrUnavailable },
		func(context.Context, int64) error { panic("secret") },
	} {
		paged.before.Store(fail)
		if status, got := fx.get(operator, "/v1/export"); status < 500 || strings.Contains(got.raw, "secret") {
			t.Errorf("%d %s", status, got.raw)
		}
	}
}

// A relative range is that of the beginning, however late an export goes on.
func TestExportKeepsItsRange(t *testing.T) {
	paged := &pagedStore{}
	fx := newFixture(t, func(c *queryapi.Config) { paged.Store, c.Store = c.Store, paged })
	paged.before.Store(func(_ context.Context, page int64) error {
		if page == 2 {
			return store.ErrUnavailable
		}
		return nil
	})
	docs := make([]*store.Document, 1200)
	for i := range docs {
		docs[i] = fx.document("shop", time.Now(), anEvent(fmt.Sprint("r", i), aSession, "c", "n", time.Now().Add(-time.Hour).Format(time.RFC3339Nano)))
	}
	fx.writeDocuments(docs...)
	first := fx.export(operator, "from=2h")
	first.wantEnd(t, false)
	fx.putEvents("shop", time.Now(), anEvent("later", aSession, "c", "n", time.Now().Format(time.RFC3339Nano)))
	rest := fx.export(operator, "from=2h&cursor="+first.Trailer.Get("Eye-Next-Cursor"))
	rest.wantEnd(t, true)
	if n := len(first.ids(t)) + len(rest.ids(t)); n != 1200 || rest.Header.Get("Eye-To") != first.Header.Get("Eye-To") {
		t.Errorf("%d events, %v", n, rest.Header)
	}
}

// runAlone runs a second service of a fixture, until stop is called.
func (fx *fixture) runAlone(change func(*queryapi.Config)) (base string, stop func()) {
	fx.t.Helper()
	cfg := queryapi.Config{
		Listen: "127.0.0.1:0", JetStream: fx.js, Registry: fx.startRegistry(), Store: fx.store,
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}
	change(&cfg)
	service, err := queryapi.New(cfg)
	if err != nil {
		fx.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				fx.t.Error(err)
			}
		case <-time.After(30 * time.Second):
			fx.t.Error("it does not stop")
		}
	})
	fx.t.Cleanup(stop)
	return "http://" + service.Addr().String(), stop
}

// open sends a GET without reading the answer.
func open(t *testing.T, token, target string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// A server that stops ends its exports at once, and says where they go on.
func TestExportEndsWithTheServer(t *testing.T) {
	fx := newFixture(t)
	fx.putNumbered("shop", 1500)
	paged := &pagedStore{Store: fx.store}
	blocked := make(chan struct{}, 1)
	paged.before.Store(func(ctx context.Context, page int64) error {
		if page == 1 {
			return nil
		}
		blocked <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	base, stop := fx.runAlone(func(c *queryapi.Config) { c.Store = paged })
	resp := open(t, operator, base+"/v1/export?application=shop&"+january)
	<-blocked
	go stop()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	first := exported{resp, string(body)}
	first.wantEnd(t, false)
	rest := fx.export(operator, "application=shop&"+january+"&cursor="+resp.Trailer.Get("Eye-Next-Cursor"))
	if diff := cmp.Diff(numbered("shop", 0, 1500), append(first.ids(t), rest.ids(t)...)); diff != "" {
		t.Error(diff)
	}
	stop()
}

// Exports have slots of their own; a client that is gone frees its slot, and a
// token that is revoked ends its export.
func TestExportsAreBounded(t *testing.T) {
	paged := &pagedStore{}
	fx := newFixture(t, func(c *queryapi.Config) { paged.Store, c.Store = c.Store, paged })
	fx.putNumbered("shop", 1500)
	var gate atomic.Value
	gate.Store(make(chan struct{}))
	var entered atomic.Int64
	paged.before.Store(func(ctx context.Context, _ int64) error {
		entered.Add(1)
		select {
		case <-gate.Load().(chan struct{}):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fx.base+"/v1/export?"+january, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+analyst)
		go func() {
			if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
		}()
	}
	fx.waitUntil("three exports run", func() bool { return entered.Load() == 3 })
	resp, body := fx.do(http.MethodGet, analyst, "/v1/export?"+january)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "too_many_exports") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	cancel()
	open := gate.Load().(chan struct{})
	close(open)
	fx.waitUntil("the slots are free", func() bool {
		resp, _ := fx.do(http.MethodGet, analyst, "/v1/export?"+january)
		return resp.StatusCode == http.StatusOK
	})
	token := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"short","role":"analyst"}`)
	fx.waitUntil("the token is valid", func() bool { return fx.ask("GET", token.Secret, "/v1/events", "").status == 200 })
	paged.pages.Store(0)
	paged.before.Store(func(_ context.Context, page int64) error {
		if page == 2 {
			fx.asOperator(200, "DELETE", "/v1/tokens/short", "", "If-Match", "*")
			fx.waitUntil("the token is revoked", func() bool { return fx.ask("GET", token.Secret, "/v1/types", "").status == 401 })
		}
		return nil
	})
	got := fx.export(token.Secret, january)
	if got.wantEnd(t, false); len(got.ids(t)) != 1000 {
		t.Errorf("%d events", len(got.ids(t)))
	}
}

// Columns that are asked for are those of the header; others are in data_rest.
func TestExportedColumns(t *testing.T) {
	fx := newFixture(t)
	fx.putEvents("shop", time.Now(), strings.Replace(anEvent("e", aSession, "c", "n", "2026-01-01T00:00:00Z"),
		`"data":{`, `"data":{"a,b":"=1","cart":{"total":-5,"items":[{"sku":"x"},{"sku":"y"}]},"none":null,`, 1))
	columns := url.QueryEscape(`data."a,b",data.cart.items.1.sku,data.cart.total,data.none,data.never`)
	got := fx.export(operator, "format=csv&"+january+"&columns="+columns)
	got.wantEnd(t, true)
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatal(err, got.body)
	}
	want := [][]string{
		{`data."a,b"`, "data.cart.items.1.sku", "data.cart.total", "data.none", "data.never", "data_rest"},
		{"'=1", "y", "-5", "null", "", `{"data.cart.items":[{"sku":"x"},{"sku":"y"}],"data.host":"www.example.com","data.path":"/"}`},
	}
	for i, row := range rows {
		if diff := cmp.Diff(want[i], row[8:]); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i, diff)
		}
	}
	got = fx.export(operator, "format=parquet&"+january+"&columns="+columns)
	file, err := parquet.OpenFile(bytes.NewReader([]byte(got.body)), int64(len(got.body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, column := range file.Root().Columns() {
		names = append(names, column.Name())
	}
	if diff := cmp.Diff(append(strings.Fields("event_id application session_id category name timestamp received_at schema_version data"), want[0][:5]...), names); diff != "" {
		t.Error(diff)
	}
}
