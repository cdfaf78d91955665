package columns

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// Lengths of a quarter of an hour, the unit of the counts.
const (
	quarterMicros = 15 * 60 * 1_000_000
	quarterMillis = 15 * 60 * 1000
)

// neverExpires is the expiry of a row without one.
const neverExpires = math.MaxInt64

// Count is a number of stored rows of one type within a quarter of an hour.
type Count struct {
	// Quarter is the timestamp in quarters of an hour since 1970, rounded down.
	Quarter int64
	Type    uint32
	N       int64
}

// Reason is a reason for which an event was rejected, without the message.
type Reason struct{ Code, Path string }

// ReceivedCount is a number of rows of one type, outcome and list of reasons that were
// received within a quarter of an hour.
type ReceivedCount struct {
	// Quarter is the received time in quarters of an hour since 1970, rounded down.
	Quarter int64
	Type    uint32
	Status  store.Status
	Errors  []Reason
	N       int64
	// First and Last are the earliest and latest received time in milliseconds.
	First, Last int64
	// SampleID is the lowest document id of the rows, SampleEventID its event id. Only
	// counts of rejected rows have them.
	SampleID, SampleEventID string
}

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
	counts := make(map[key]int64)
	p.first, p.last = math.MaxInt64, math.MinInt64
	for row, us := range timestamps.unpackTimes()[:p.stored] {
		p.first, p.last = min(p.first, us), max(p.last, us)
		counts[key{floorDiv(us, quarterMicros), types[row]}]++
	}
	if p.stored == 0 {
		p.first, p.last = 0, 0
	}
	p.counts = make([]Count, 0, len(counts))
	for k, n := range counts {
		p.counts = append(p.counts, Count{k.quarter, k.typ, n})
	}
	slices.SortFunc(p.counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Quarter, b.Quarter), cmp.Compare(a.Type, b.Type))
	})
	return nil
}

// receivedKey is the group of a ReceivedCount; reasons is a code of the error lists, 0
// for a stored row.
type receivedKey struct {
	quarter      int64
	typ, reasons uint32
	rejected     bool
}

// countReceived fills received.
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
	groups := make(map[receivedKey]*ReceivedCount)
	samples, err := p.newSampler(ctx)
	if err != nil {
		return err
	}
	for row, ms := range received.unpackTimes() {
		k := receivedKey{floorDiv(ms, quarterMillis), types.CodeAt(row), lists.CodeAt(row), row >= p.stored}
		g := groups[k]
		if g == nil {
			g = &ReceivedCount{Quarter: k.quarter, Type: k.typ, Status: store.Stored, First: ms, Last: ms}
			groups[k] = g
		}
		g.N++
		g.First, g.Last = min(g.First, ms), max(g.Last, ms)
		if k.rejected {
			g.Status = store.Rejected
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
func (s *sampler) take(g *ReceivedCount, row int) {
	id := s.documentIDAt(row)
	if g.SampleID == "" || id < g.SampleID {
		g.SampleID, g.SampleEventID = id, string(s.eventIDs.At(row))
	}
}

// documentIDAt returns the id of the document of a row.
func (s *sampler) documentIDAt(row int) string {
	kept, _ := s.documents.values.ValueOf(s.codes.CodeAt(row)).TextValue()
	return documentID(s.application, kept, s.eventIDs.At(row))
}

// sortReceived fills received with the groups.
func (p *Part) sortReceived(groups map[receivedKey]*ReceivedCount, reasons *coded) error {
	lists, err := decodeLists(reasons)
	if err != nil {
		return err
	}
	p.received = make([]ReceivedCount, 0, len(groups))
	for k, g := range groups {
		g.Errors = lists[k.reasons]
		p.received = append(p.received, *g)
	}
	slices.SortFunc(p.received, func(a, b ReceivedCount) int {
		return cmp.Or(cmp.Compare(a.Quarter, b.Quarter), cmp.Compare(a.Type, b.Type),
			-cmp.Compare(a.Status, b.Status), slices.CompareFunc(a.Errors, b.Errors, compareReasons))
	})
	return nil
}

func compareReasons(a, b Reason) int {
	return cmp.Or(compareText(a.Code, b.Code), compareText(a.Path, b.Path))
}
