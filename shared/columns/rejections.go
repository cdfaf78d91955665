package columns

import "context"

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
