package httpapi

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/export"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// maxExports bounds the exports in work; one token has at most maxTokenExports.
	maxExports      = 8
	maxTokenExports = 3
	retryExport     = 10 * time.Second
)

// exportFormats are the values of parameter format, the default first.
var exportFormats = []string{api.FormatNDJSON, api.FormatCSV, api.FormatParquet}

// exportTypes are the content types of the formats.
var exportTypes = map[string]string{
	api.FormatNDJSON: api.ContentTypeNDJSON, api.FormatCSV: api.ContentTypeCSV, api.FormatParquet: api.ContentTypeParquet,
}

// exportQuery are the parameters that an export alone has.
type exportQuery struct {
	format string
	// columns are those of parameter columns; nil without it.
	columns *export.Columns
}

func parseColumns(p *params, v string) string {
	columns, err := export.ParseColumns(v)
	if err != nil {
		return err.Error()
	}
	p.export.columns = columns
	return ""
}

// writeExport answers GET /v1/export: every stored event that matches. It may take
// long: it has slots of its own, and no limit but the progress of its client.
func (s *service) writeExport(w http.ResponseWriter, r *http.Request) error {
	p, secret, err := s.admitStream(r)
	if err != nil {
		return err
	}
	q, err := parseExport(r)
	if err != nil {
		return err
	}
	held, err := newRights(p, secret, q.Application)
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		q.setExportHeaders(w.Header())
		w.WriteHeader(http.StatusOK)
		return nil
	}
	if !s.exports.takeSlot(p.ID) {
		return &problem.Error{Code: api.CodeTooManyExports, RetryAfter: retryExport, Detail: "too many exports run already, of this token or of all"}
	}
	defer s.exports.freeSlot(p.ID)
	return s.runExport(w, r, q, held)
}

// parseExport parses the parameters of an export.
func parseExport(r *http.Request) (params, error) {
	q, err := parseParams(r, exportParams)
	if err != nil {
		return q, err
	}
	if q.export.format == "" {
		q.export.format = exportFormats[0]
	}
	if q.export.columns != nil && q.export.format == api.FormatNDJSON {
		return q, httpserver.BadRequest(api.CodeInvalidParameter, "parameter columns is for csv and parquet: ndjson has all of each event")
	}
	if err := q.completeRange(); err != nil {
		return q, err
	}
	if q.After, err = rowPosition(q.cursor); q.After == nil && err == nil {
		q.After, err = q.position(routeExport)
	}
	return q, err
}

// rowPosition returns the position of an event that a client names by its own
// members, timestamp/application/event_id, as it does behind a stream that was cut
// off. It is nil for any other cursor.
func rowPosition(cursor string) (*query.Position, error) {
	at, id, found := strings.Cut(cursor, "/")
	if !found {
		return nil, nil
	}
	t, err := event.ParseTime(at)
	application, eventID, _ := strings.Cut(id, "/")
	if err != nil || !stream.ValidApplication(application) || eventID == "" {
		return nil, errCursor
	}
	return &query.Position{Time: t, ID: store.DocumentID(application, eventID)}, nil
}

// setExportHeaders sets the headers of an export.
func (p *params) setExportHeaders(h http.Header) {
	h.Set("Content-Type", exportTypes[p.export.format])
	h.Set("Content-Disposition", `attachment; filename="events.`+p.export.format+`"`)
	h.Set("Cache-Control", cachePrivate)
	h.Set("Vary", "Accept-Encoding")
	h.Set(api.HeaderFrom, event.FormatTime(p.From))
	h.Set(api.HeaderTo, event.FormatTime(p.To))
}

// runExport reads the first page, so that a store that does not answer is a problem,
// and then writes.
func (s *service) runExport(w http.ResponseWriter, r *http.Request, q params, held rights) error {
	source := export.Open(r.Context(), s.store, export.Query{
		Filter: q.selectedBy(held.applications), Match: matchFilter(q.Filters), After: q.After,
	})
	defer source.Close()
	first, err := source.Peek()
	if err != nil {
		return err
	}
	q.setExportHeaders(w.Header())
	w.Header().Set("Trailer", api.HeaderComplete+", "+api.HeaderNextCursor)
	out := newStream(w, httpserver.WantsGzip(r.Header) && q.export.format != api.FormatParquet)
	defer out.releaseWriter()
	run := export.Run{
		Source: source, Encoder: newEncoder(out, q.export, first), Stop: httpserver.Stopping(r.Context()),
		Check: func() error { return s.checkRights(held) }, Flush: out.flush,
	}
	err = run.Write(r.Context())
	if out.failed != nil || r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client is gone, or too slow
	}
	next := ""
	if err != nil {
		s.logStopped(r, err)
		next = string(q.exportCursor(run.End))
	}
	if err := errors.Join(run.Encoder.End(next), out.end()); err != nil {
		panic(http.ErrAbortHandler)
	}
	complete := "true"
	if next != "" {
		complete = "false"
	}
	w.Header().Set(api.HeaderComplete, complete)
	w.Header().Set(api.HeaderNextCursor, next)
	return nil
}

// newEncoder returns the encoder of a format. Columns that were not asked for are
// those of the first events.
func newEncoder(w io.Writer, q exportQuery, first []*store.Document) export.Encoder {
	switch q.format {
	case api.FormatCSV:
		if q.columns == nil {
			q.columns = export.Survey(first)
		}
		return export.NewCSV(w, q.columns)
	case api.FormatParquet:
		return export.NewParquet(w, q.columns)
	}
	return export.NewNDJSON(w)
}

// exportCursor returns the cursor behind a position; nil is the position at which
// the export began.
func (p *params) exportCursor(at *query.Position) api.Cursor {
	if at == nil {
		at = p.After
	}
	if at == nil || at.ID == "" {
		at = &query.Position{Time: p.From.Add(-time.Microsecond), ID: "~"} // before every event of the range
	}
	return p.nextCursor(routeExport, at)
}

// logStopped logs why an export is not whole, unless that is planned.
func (s *service) logStopped(r *http.Request, err error) {
	if errors.Is(err, export.ErrStopped) || problem.Is(err) {
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelWarn, "an export stopped before its end", slog.Any("error", err))
}
