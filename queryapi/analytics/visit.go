package analytics

// eventMask says what an event is to a question: inScope, and one bit for each set of
// conditions that the question has of its own. It is 0 for an event that does not count.
type eventMask uint16

// inScope is set in the mask of every event that counts: it lies in the scope of the
// question, is not masked by a newer part, and has not expired.
const inScope eventMask = 1 << 15

// place names a row: the index of a view among those of an application, and the row
// in its part.
type place struct {
	view uint32
	row  uint32
}

// visit holds the events of one visitor in the order (timestamp, document id), others
// with mask 0 among them. It is valid until the function that it is given to returns.
type visit struct {
	times []int64 // microseconds since 1970
	masks []eventMask
	// places are those of the events; nil for a visit that is a run of rows of one
	// view, which begins at first.
	places []place
	first  place
}

// place returns where the event i lies.
func (v *visit) place(i int) place {
	if v.places != nil {
		return v.places[i]
	}
	return place{view: v.first.view, row: v.first.row + uint32(i)}
}
