package analytics

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/schema"
)

// Bounds of a Fields question.
const (
	DefaultFields = 200
	MaxFields     = 1000
	maxSamples    = 5
	// fieldsAtOnce is the number of fields that are read before it is checked whether
	// there are enough.
	fieldsAtOnce = 32
	// maxSampleBytes bounds the text of a sample, a minimum or a maximum.
	maxSampleBytes = 1000
)

// FieldsQuery asks for the fields of the data of events.
type FieldsQuery struct {
	Scope
	// Prefix restricts the fields to those whose spelling begins with it.
	Prefix string
	// Limit is the number of fields, 1 to MaxFields.
	Limit int
}

// Need returns the rows that the question is about.
func (q *FieldsQuery) Need() refresh.Need { return q.Scope.need() }

// Fields answers from a snapshot of what the question needs. The schemas of set say which
// fields are declared.
func (a *Analytics) Fields(ctx context.Context, s *columns.Snapshot, q FieldsQuery, set *schema.Set) (*api.FieldList, error) {
	r := a.newRun(s, &q.Scope)
	f := &fieldReader{run: r, schemas: schemasOf(&q.Scope, set)}
	list := &api.FieldList{StatsRange: q.statsRange(s), Fields: []api.FieldFacts{}}
	var err error
	if list.Events, err = f.selectAll(ctx); err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(f.findFields(q.Prefix), fieldsAtOnce) {
		facts := make([]api.FieldFacts, len(chunk))
		err := inParallel(ctx, workersFor(len(chunk)), len(chunk), func(_, i int) (err error) {
			facts[i], err = f.readFacts(ctx, chunk[i], list.Events)
			return err
		})
		if err != nil {
			return nil, err
		}
		for i := range facts {
			if facts[i].Present > 0 {
				list.Fields = append(list.Fields, facts[i])
			}
		}
		if len(list.Fields) > q.Limit {
			list.Fields, list.Truncated = list.Fields[:q.Limit], true
			break
		}
	}
	list.Truncated = list.Truncated || f.truncated() || f.notHeld.Load()
	return list, nil
}

// fieldReader reads facts about fields.
type fieldReader struct {
	*run
	schemas []*schema.Schema
	// notHeld is set when the values of a field are not held by some part: a scan of
	// the store for each such field would take too long.
	notHeld atomic.Bool
}

// schemasOf returns the schemas of the types that a scope names, of all without one.
func schemasOf(s *Scope, set *schema.Set) []*schema.Schema {
	var schemas []*schema.Schema
	for _, t := range set.Types() {
		if (s.Category == "" || s.Category == t.Category) && (s.Name == "" || s.Name == t.Name) {
			schemas = append(schemas, set.Schema(t))
		}
	}
	return schemas
}

// selectAll selects the rows of all views, and returns their number.
func (f *fieldReader) selectAll(ctx context.Context) (int64, error) {
	workers := workersFor(len(f.scan.views))
	masks, counts := make([][]eventMask, workers), make([]int64, workers)
	err := inParallel(ctx, workers, len(f.scan.views), func(worker, view int) error {
		rows, err := f.scan.selectRows(ctx, view, &masks[worker])
		if err == nil {
			counts[worker] += int64(rows.size())
		}
		return err
	})
	total := int64(0)
	for _, n := range counts {
		total += n
	}
	return total, err
}

// foundField is a field, and the names that lead to it.
type foundField struct {
	filter.Field
	spelled string
	names   []string
}

// findFields returns the fields of the views with a row that counts, by their spelling.
func (f *fieldReader) findFields(prefix string) []foundField {
	found := map[string]foundField{}
	for i, v := range f.scan.views {
		if f.scan.selected[i].count == 0 {
			continue
		}
		paths := v.Part.Paths()
		for j := range paths {
			field := paths[j].Field()
			spelled := field.String()
			if _, known := found[spelled]; !known && len(paths[j].Names) > 0 && strings.HasPrefix(spelled, prefix) {
				found[spelled] = foundField{field, spelled, paths[j].Names}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b foundField) int { return strings.Compare(a.spelled, b.spelled) })
}

// truncated reports whether a part left paths out.
func (f *fieldReader) truncated() bool {
	for i, v := range f.scan.views {
		if f.scan.selected[i].count > 0 && v.Part.Truncated() {
			return true
		}
	}
	return false
}

// readFacts reads the facts of one field.
func (f *fieldReader) readFacts(ctx context.Context, field foundField, events int64) (api.FieldFacts, error) {
	facts := api.FieldFacts{Path: field.spelled, Types: map[string]int64{}, DistinctExact: true}
	values := newValueCounter()
	for i, v := range f.scan.views {
		rows := f.scan.selected[i]
		if rows.count == 0 || !hasPath(v.Part, field.names) {
			continue
		}
		column, err := v.Part.Column(ctx, field.Field)
		if errors.Is(err, columns.ErrNotHeld) {
			facts.DistinctExact = false
			f.notHeld.Store(true)
			continue
		}
		if err != nil {
			return facts, err
		}
		if err := values.countRows(ctx, rows, column, facts.Types); err != nil {
			return facts, err
		}
	}
	for _, n := range facts.Types {
		facts.Present += n
	}
	facts.Share = share(facts.Present, events)
	facts.Distinct, facts.DistinctExact = values.distinct(), facts.DistinctExact && values.level == 0
	facts.Min, facts.Max = shortJSON(values.least), shortJSON(values.greatest)
	facts.Samples = values.samples()
	facts.InSchema, facts.Required = f.declares(field.names)
	return facts, nil
}

// hasPath reports whether a part has a leaf path.
func hasPath(p *columns.Part, names []string) bool {
	_, ok := slices.BinarySearchFunc(p.Paths(), names, func(info columns.PathInfo, names []string) int {
		return slices.Compare(info.Names, names)
	})
	return ok
}

// declares reports whether a schema declares a member, and whether all require it.
func (f *fieldReader) declares(names []string) (declared, required bool) {
	required = len(f.schemas) > 0
	for _, s := range f.schemas {
		i, ok := slices.BinarySearchFunc(s.Members(), names, func(m schema.Member, names []string) int { return slices.Compare(m.Path, names) })
		declared = declared || ok
		required = required && ok && s.Members()[i].Required
	}
	return declared, required
}

// shortJSON returns the JSON of a value; nothing for a missing one, and for one that is
// too long to be shown.
func shortJSON(v filter.Value) jsontext.Value {
	if v.IsMissing() {
		return nil
	}
	if text := v.AppendJSON(nil); len(text) <= maxSampleBytes {
		return text
	}
	return nil
}
