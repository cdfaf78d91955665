package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/httpserver"
)

const (
	// statsTimeout bounds the work on one statistic, and on one batch of them.
	statsTimeout = 10 * time.Second
	// maxStats bounds the statistics in work; one token has at most maxTokenStats.
	maxStats      = 16
	maxTokenStats = 4
)

// statsKind is a kind of statistics.
type statsKind struct {
	// params are the parameters, structured the members that a body may have besides.
	params, structured []string
	// read reads a question; it leaves faults in the input.
	read func(s *service, in *statsInput, p access.Principal) statsQuestion
}

// statsQuestion is a question that can be answered from a snapshot.
type statsQuestion struct {
	need refresh.Need
	// answer returns the answer; its encoding is JSON.
	answer func(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (any, error)
	// registered says that the answer depends on the registry as well.
	registered bool
}

// statsKinds are the kinds of statistics by the names that a batch gives them.
var statsKinds = map[string]statsKind{
	"timeseries": {params: timeseriesParams, read: (*service).readTimeseries},
	"top":        {params: topParams, read: (*service).readTop},
	"fields":     {params: fieldsParams, read: (*service).readFields},
	"types":      {params: typesParams, read: (*service).readTypes},
	kindFunnel:   {params: funnelParams, structured: funnelMembers, read: (*service).readFunnel},
	"retention":  {params: retentionParams, read: (*service).readRetention},
	"paths":      {params: pathsParams, read: (*service).readPaths},
	kindSessions: {params: sessionsParams, read: (*service).readSessions},
}

// statsRoutes are the kinds by their routes.
var statsRoutes = map[string]string{
	api.PathTimeseries: "timeseries", api.PathTop: "top", api.PathFields: "fields", api.PathTypes: "types",
	api.PathRetention: "retention", api.PathPaths: "paths",
}

// readQuestion reads a question of a kind.
func (s *service) readQuestion(in *statsInput, p access.Principal) (statsQuestion, error) {
	q := statsKinds[in.kind].read(s, in, p)
	return q, in.err
}

// answerStats answers GET with the statistic of a kind.
func (s *service) answerStats(kind string) handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		in, err := readStatsQuery(r, kind, statsKinds[kind].params)
		if err != nil {
			return err
		}
		return s.writeStatistic(w, r, p, in)
	}
}

// writeStatistic answers with the statistic that an input asks for.
func (s *service) writeStatistic(w http.ResponseWriter, r *http.Request, p access.Principal, in *statsInput) error {
	q, err := s.readQuestion(in, p)
	if err != nil {
		return err
	}
	return s.writeAnswer(w, r, p, in, &q)
}

// writeAnswer answers a question that was read from an input, under its tag; a client
// that has the answer already gets 304.
func (s *service) writeAnswer(w http.ResponseWriter, r *http.Request, p access.Principal, in *statsInput, q *statsQuestion) error {
	return s.workOnStats(r.Context(), p, q.need, func(ctx context.Context, snapshot *columns.Snapshot) error {
		etag := s.statsETag(in, q, snapshot)
		h := w.Header()
		h.Set("Cache-Control", "private, no-store")
		h.Set(api.HeaderETag, etag)
		if httpserver.MatchesNone(r.Header, etag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		answer, err := q.answer(ctx, s.analytics, snapshot)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, 0, answer)
	})
}

// workOnStats does the work on statistics of a token with a snapshot, in a slot and
// within the time limit. The work is done twice if the first time finds damaged files.
func (s *service) workOnStats(ctx context.Context, p access.Principal, need refresh.Need, work func(ctx context.Context, snapshot *columns.Snapshot) error) error {
	return s.workHeavily(ctx, p, func(ctx context.Context) error { return s.analytics.Answer(ctx, need, work) })
}

// workHeavily does work that reads many events, such as a statistic or a page of events
// that match filters, in one of the few slots for it and within the time limit.
func (s *service) workHeavily(ctx context.Context, p access.Principal, work func(ctx context.Context) error) error {
	if !s.stats.takeSlot(p.ID) {
		return &problem.Error{
			Code: api.CodeTooManyQueries, RetryAfter: retrySoon,
			Detail: fmt.Sprintf("too many statistics and filtered queries are in work already, of this token (at most %d) or of all; send fewer at a time", maxTokenStats),
		}
	}
	defer s.stats.freeSlot(p.ID)
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	err := work(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !problem.Is(err) {
		return statsTimedOut(err)
	}
	return err
}

// statsAdvice says which question costs less.
const statsAdvice = "ask for a shorter time range or one application, for fewer filters on fields of the data, or for a field of fewer values"

func statsTimedOut(cause error) error {
	return withMember(&httpserver.Failure{
		Status: http.StatusGatewayTimeout, Code: api.CodeQueryTimeout, Cause: cause,
		Detail: fmt.Sprintf("the query took more than %v", statsTimeout),
	}, "advice", statsAdvice)
}

// statsETag returns the tag of an answer. It names the question as it was understood,
// the applications of the principal included, and the version of the columns that it is
// answered from, so it is equal for equal figures alone. It is weak: as_of moves on.
func (s *service) statsETag(in *statsInput, q *statsQuestion, snapshot *columns.Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q", in.kind, snapshot.Version)
	if q.registered {
		fmt.Fprintf(&b, " %d", s.registry.Revision())
	}
	for _, name := range slices.Sorted(maps.Keys(in.read)) {
		fmt.Fprintf(&b, " %q=%q", name, in.read[name])
	}
	for _, name := range slices.Sorted(maps.Keys(in.members)) {
		fmt.Fprintf(&b, " %q:%q", name, string(in.members[name]))
	}
	sum := sha256.Sum256([]byte(b.String()))
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`
}
