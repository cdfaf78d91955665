package columns

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"

	"github.com/theeye/theeye/shared/event"
)

// Lengths of a quarter of an hour, the unit of the counts.
const (
	quarterMicros = 15 * 60 * 1_000_000
	quarterMillis = 15 * 60 * 1000
)

// neverExpires is the expiry of a row without one.
const neverExpires = math.MaxInt64

// Reason is a reason for which an event was rejected, without the message.
type Reason struct{ Code, Path string }

// encodeReasons returns the reasons as JSON, [["code","path"],…].
func encodeReasons(faults []event.Fault) string {
	list := make([][2]string, len(faults))
	for i, f := range faults {
		list[i] = [2]string{f.Code, f.Path}
	}
	text, _ := json.Marshal(list) // texts always have an encoding
	return string(text)
}

// decodeReasons reads what encodeReasons wrote.
func decodeReasons(text string) ([]Reason, error) {
	var list [][2]string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	reasons := make([]Reason, len(list))
	for i, r := range list {
		reasons[i] = Reason{r[0], r[1]}
	}
	return reasons, nil
}

// summarise counts the rows.
func (p *Part) summarise(ctx context.Context) error {
	if err := p.countStored(ctx); err != nil {
		return err
	}
	if err := p.countReceived(ctx); err != nil {
		return err
	}
	expiry, err := p.ExpiresAt(ctx)
	p.leastExpiry = neverExpires
	if err != nil || expiry == nil {
		return err
	}
	for _, ms := range expiry.unpackTimes() {
		p.leastExpiry = min(p.leastExpiry, ms)
	}
	return nil
}

// countStored fills span and counts.
func (p *Part) countStored(ctx context.Context) error {
	timestamps, err := p.Timestamps(ctx)
	if err != nil {
		return err
	}
	codes, err := p.TypeCodes(ctx)
	if err != nil {
		return err
	}
	types := codes.unpackCodes()
	type key struct {
		quarter int64
		typ     uint32
	}
	counts := make(map[key]uint32)
	p.first, p.last = math.MaxInt64, math.MinInt64
	for row, us := range timestamps.unpackTimes()[:p.stored] {
		p.first, p.last = min(p.first, us), max(p.last, us)
		counts[key{floorDiv(us, quarterMicros), types[row]}]++
	}
	if p.stored == 0 {
		p.first, p.last = 0, 0
	}
	sorted := slices.SortedFunc(maps.Keys(counts), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.quarter, b.quarter), cmp.Compare(a.typ, b.typ))
	})
	codesOf, rows := make([]uint32, len(sorted)), make([]uint32, len(sorted))
	p.counts = Counts{}
	for i, k := range sorted {
		p.counts.noteCount(k.quarter)
		codesOf[i], rows[i] = k.typ, counts[k]
	}
	p.counts.types, p.counts.rows = PackCodes(codesOf), PackCodes(rows)
	p.counts.fillTotals()
	return nil
}

// receivedKey is what the rows of a count have in common; reasons is a code of the error
// lists, 0 for a stored row.
type receivedKey struct {
	quarter      int64
	typ, reasons uint32
	rejected     bool
}

// countReceived fills reasons, storedReceived and rejectedReceived.
func (p *Part) countReceived(ctx context.Context) error {
	received, err := p.ReceivedAt(ctx)
	if err != nil {
		return err
	}
	types, err := p.TypeCodes(ctx)
	if err != nil {
		return err
	}
	reasons, err := loadVector[*coded](ctx, p, vectorErrors)
	if err != nil {
		return err
	}
	lists := reasons.spread(p.rows)
	groups := make(map[receivedKey]*countedRows)
	samples, err := p.newSampler(ctx)
	if err != nil {
		return err
	}
	for row, ms := range received.unpackTimes() {
		k := receivedKey{floorDiv(ms, quarterMillis), types.CodeAt(row), lists.CodeAt(row), row >= p.stored}
		g := groups[k]
		if g == nil {
			g = &countedRows{quarter: k.quarter, typ: k.typ, reasons: k.reasons, first: ms, last: ms}
			groups[k] = g
		}
		g.n++
		g.first, g.last = min(g.first, ms), max(g.last, ms)
		if k.rejected {
			samples.take(g, row)
		}
	}
	return p.sortReceived(groups, reasons)
}

// sampler finds the lowest document id of groups of rejected rows.
type sampler struct {
	application string
	eventIDs    *Texts
	documents   *coded
	codes       Codes
}

func (p *Part) newSampler(ctx context.Context) (*sampler, error) {
	s := &sampler{application: p.key.Application}
	if p.stored == p.rows {
		return s, nil
	}
	var err error
	if s.eventIDs, err = p.EventIDs(ctx); err != nil {
		return nil, err
	}
	if s.documents, err = loadVector[*coded](ctx, p, vectorDocument); err != nil {
		return nil, err
	}
	s.codes = s.documents.spread(p.rows)
	return s, nil
}

// take makes a row the sample of a group if its id is lower.
func (s *sampler) take(g *countedRows, row int) {
	id := s.documentIDAt(row)
	if g.sampleID == "" || id < g.sampleID {
		g.sampleID, g.sampleEventID = id, s.eventIDs.At(row)
	}
}

// documentIDAt returns the id of the document of a row.
func (s *sampler) documentIDAt(row int) string {
	kept, _ := s.documents.values.ValueOf(s.codes.CodeAt(row)).TextValue()
	return documentID(s.application, kept, s.eventIDs.At(row))
}

// sortReceived packs the groups.
func (p *Part) sortReceived(groups map[receivedKey]*countedRows, reasons *coded) error {
	lists, err := decodeLists(reasons)
	if err != nil {
		return err
	}
	p.reasons = lists
	var stored, rejected []countedRows
	for k, g := range groups {
		if k.rejected {
			rejected = append(rejected, *g)
		} else {
			stored = append(stored, *g)
		}
	}
	p.storedReceived = packReceived(p.sortCounts(stored), false, p.key.Application)
	p.rejectedReceived = packReceived(p.sortCounts(rejected), true, p.key.Application)
	return nil
}

// sortCounts sorts counts by quarter, type and reasons.
func (p *Part) sortCounts(list []countedRows) []countedRows {
	slices.SortFunc(list, func(a, b countedRows) int {
		return cmp.Or(cmp.Compare(a.quarter, b.quarter), cmp.Compare(a.typ, b.typ),
			slices.CompareFunc(p.reasons[a.reasons], p.reasons[b.reasons], compareReasons))
	})
	return list
}

func compareReasons(a, b Reason) int {
	return cmp.Or(compareText(a.Code, b.Code), compareText(a.Path, b.Path))
}
