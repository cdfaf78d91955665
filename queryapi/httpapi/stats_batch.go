package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
)

// Bounds of a batch of statistics.
const (
	maxBatch     = 12
	maxBatchBody = 256 << 10
)

// batchedQuery is one query of a batch.
type batchedQuery struct {
	id, kind string
	in       *statsInput
	question statsQuestion
	// err is why it has no answer.
	err error
}

// answerBatch answers POST /v1/stats/query: several statistics of one moment. One that
// fails does not fail the others.
func (s *service) answerBatch(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	queries, err := s.readBatch(r, p)
	if err != nil {
		return err
	}
	return s.workOnStats(r.Context(), p, batchNeed(queries), func(ctx context.Context, snapshot *columns.Snapshot) (err error) {
		batch := api.StatsBatch{AsOf: api.TimeOf(snapshot.AsOf), Results: make([]api.StatsResult, len(queries))}
		for i := range queries {
			if batch.Results[i], err = s.answerQuery(ctx, &queries[i], snapshot); err != nil {
				return err
			}
		}
		w.Header().Set("Cache-Control", "private, no-store")
		return writeJSON(w, http.StatusOK, 0, &batch)
	})
}

// readBatch reads the body. Its faults as a whole are an error, those of one query are
// kept with it.
func (s *service) readBatch(r *http.Request, p access.Principal) ([]batchedQuery, error) {
	raw, err := readBody(r, maxBatchBody)
	if err != nil {
		return nil, err
	}
	var body struct {
		Queries []map[string]jsontext.Value `json:"queries"`
	}
	if err := json.Unmarshal(raw, &body, json.RejectUnknownMembers(true)); err != nil {
		return nil, httpserver.BadRequest(event.CodeInvalidJSON, `the body must be {"queries":[{"id","kind",…}]}: %v`, err)
	}
	if n := len(body.Queries); n < 1 || n > maxBatch {
		return nil, httpserver.BadRequest(api.CodeInvalidParameter, "member queries must have 1 to %d queries", maxBatch)
	}
	queries := make([]batchedQuery, len(body.Queries))
	for i, object := range body.Queries {
		q := &queries[i]
		if json.Unmarshal(object["id"], &q.id) != nil || q.id == "" || len(q.id) > event.MaxIDLength {
			return nil, httpserver.BadRequest(api.CodeInvalidParameter, "member id of query %d must be a text of 1 to %d bytes", i, event.MaxIDLength)
		}
		if slices.ContainsFunc(queries[:i], func(other batchedQuery) bool { return other.id == q.id }) {
			return nil, httpserver.BadRequest(api.CodeInvalidParameter, "two queries have the id %s", httpserver.QuoteShort(q.id))
		}
		q.err = s.readBatched(q, object, p)
	}
	return queries, nil
}

// readBatched reads one query of a batch.
func (s *service) readBatched(q *batchedQuery, object map[string]jsontext.Value, p access.Principal) (err error) {
	if json.Unmarshal(object["kind"], &q.kind) != nil {
		q.kind = ""
	}
	kind, ok := statsKinds[q.kind]
	if !ok {
		return httpserver.BadRequest(api.CodeInvalidParameter, "member kind must be one of %s",
			strings.Join(slices.Sorted(maps.Keys(statsKinds)), ", "))
	}
	if q.in, err = readStatsMembers(q.kind, object, kind.params, kind.structured); err != nil {
		return err
	}
	q.question, err = s.readQuestion(q.in, p)
	return err
}

// batchNeed returns a need that covers those of all queries.
func batchNeed(queries []batchedQuery) refresh.Need {
	var all refresh.Need
	first := true
	for i := range queries {
		if queries[i].err != nil {
			continue
		}
		n := queries[i].question.need
		if first {
			all, first = n, false
			all.Applications = slices.Clone(n.Applications)
			continue
		}
		all.Applications = slices.Compact(slices.Sorted(slices.Values(slices.Concat(all.Applications, n.Applications))))
		all.From, all.To = earlier(all.From, n.From), later(all.To, n.To)
		all.ReceivedFrom, all.ReceivedTo = earlier(all.ReceivedFrom, n.ReceivedFrom), later(all.ReceivedTo, n.ReceivedTo)
	}
	return all
}

// earlier returns the earlier of two bounds, of which zero is open.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && a.Before(b) {
		return a
	}
	return b
}

// later returns the later of two bounds, of which zero is open.
func later(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && a.After(b) {
		return a
	}
	return b
}

// answerQuery answers one query of a batch, a failure as a problem. The error is that of
// encoding, or of a damaged file, which fails the whole batch: it is answered again.
func (s *service) answerQuery(ctx context.Context, q *batchedQuery, snapshot *columns.Snapshot) (api.StatsResult, error) {
	result := api.StatsResult{ID: q.id, Status: http.StatusOK}
	var answer any
	err := q.err
	if err == nil {
		answer, err = q.question.answer(ctx, s.analytics, restrictSnapshot(snapshot, q.question.need.Applications))
	}
	if analytics.IsDamage(err) {
		return result, err
	}
	if err != nil {
		f := failureOf(ctx, err)
		if f.Code == api.CodeQueryTimeout {
			f = failureOf(ctx, statsTimedOut(err))
		}
		if f.Cause != nil && f.Status >= http.StatusInternalServerError {
			s.log.Error("statistic failed", slog.String("kind", q.kind), slog.String("code", f.Code), slog.Any("error", f.Cause))
		}
		var body bodyWriter
		f.Write(&body)
		result.Status, result.Answer = f.Status, jsontext.Value(bytes.TrimSpace(body.Bytes()))
		return result, nil
	}
	if result.Answer, err = json.Marshal(answer); err != nil {
		return result, fmt.Errorf("encode the answer to %s: %w", q.kind, err)
	}
	return result, nil
}

// restrictSnapshot returns the part of a snapshot that some applications have.
func restrictSnapshot(s *columns.Snapshot, applications []string) *columns.Snapshot {
	restricted := *s
	restricted.Applications = nil
	for _, name := range applications {
		for _, a := range s.Applications {
			if a.Name == name {
				restricted.Applications = append(restricted.Applications, a)
			}
		}
	}
	return &restricted
}

// bodyWriter takes the body of an answer apart from its headers.
type bodyWriter struct {
	bytes.Buffer
	header http.Header
}

func (b *bodyWriter) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

func (b *bodyWriter) WriteHeader(int) {}
