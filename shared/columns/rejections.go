package columns

import (
	"context"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/store"
)

// Rejections describe each rejected row of a part as its counts describe many rows. They
// are read-only.
type Rejections struct {
	lists [][]Reason
	codes Codes
	*sampler
}

// Rejections returns the reasons and the ids of the rows.
func (p *Part) Rejections(ctx context.Context) (*Rejections, error) {
	reasons, err := loadVector[*coded](ctx, p, vectorErrors)
	if err != nil {
		return nil, err
	}
	r := &Rejections{codes: reasons.spread(p.rows)}
	if r.lists, err = decodeLists(reasons); err != nil {
		return nil, err
	}
	r.sampler, err = p.newSampler(ctx)
	return r, err
}

// Reasons returns the reasons of a rejected row.
func (r *Rejections) Reasons(row int) []Reason { return r.lists[r.codes.CodeAt(row)] }

// EventID returns the event id of a rejected row. The caller must not change it.
func (r *Rejections) EventID(row int) []byte { return r.eventIDs.At(row) }

// DocumentID returns the document id of a rejected row.
func (r *Rejections) DocumentID(row int) string { return r.documentIDAt(row) }

// decodeLists returns the lists of reasons by code.
func decodeLists(reasons *coded) ([][]Reason, error) {
	lists := make([][]Reason, reasons.values.Len())
	for code, v := range reasons.values.All() {
		text, ok := v.TextValue()
		if !ok {
			continue
		}
		list, err := decodeReasons(text)
		if err != nil {
			return nil, err
		}
		lists[code] = list
	}
	return lists, nil
}

// RejectedCounts returns the counts of all rejected rows by type and list of reasons:
// those of ReceivedCounts, merged over the quarters. The caller must not change them.
func (p *Part) RejectedCounts(ctx context.Context) ([]ReceivedCount, error) {
	return loadDerived(ctx, p, "rejected counts", func() ([]ReceivedCount, error) {
		type key struct {
			typ     uint32
			reasons string
		}
		var merged []ReceivedCount
		places := make(map[key]int)
		for i := range p.received {
			r := &p.received[i]
			if r.Status != store.Rejected {
				continue
			}
			k := key{r.Type, joinReasons(r.Errors)}
			place, ok := places[k]
			if !ok {
				places[k] = len(merged)
				merged = append(merged, *r)
				continue
			}
			merged[place].mergeCount(r)
		}
		return merged, nil
	})
}

// mergeCount adds a count of later or other rows of the same type and reasons.
func (r *ReceivedCount) mergeCount(other *ReceivedCount) {
	r.N += other.N
	r.First, r.Last = min(r.First, other.First), max(r.Last, other.Last)
	if other.SampleID < r.SampleID {
		r.SampleID, r.SampleEventID = other.SampleID, other.SampleEventID
	}
}

// joinReasons returns a text that is equal for equal lists alone.
func joinReasons(reasons []Reason) string {
	var b strings.Builder
	for _, r := range reasons {
		for _, text := range [2]string{r.Code, r.Path} {
			b.WriteString(strconv.Itoa(len(text)))
			b.WriteByte(':')
			b.WriteString(text)
		}
	}
	return b.String()
}
