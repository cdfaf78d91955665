package replay

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

// A part of a portion may read the store after another part has written its copy
// of an event; the report counts by the state before both.
func TestHeldBeforeIgnoresWritesOfOtherParts(t *testing.T) {
	doc := &store.Document{ID: "shop/e"}
	at := func(seq, revision uint64) heldDocs {
		return heldDocs{"shop/e": {Holder: store.Holder{Origin: store.Origin{Epoch: 1, Seq: seq}, Revision: revision}}}
	}
	for name, tc := range map[string]struct{ first, second, want heldDocs }{
		"same reading":                {at(2, 3), at(2, 3), at(2, 3)},
		"later revision":              {at(2, 4), at(2, 3), at(2, 3)},
		"earlier origin":              {at(1, 4), at(2, 3), at(2, 3)},
		"earlier origin, repeated":    {at(1, 4), at(2, 4), at(2, 4)},
		"nothing before the write":    {heldDocs{}, at(1, 4), heldDocs{}},
		"nothing, in either":          {heldDocs{}, heldDocs{}, heldDocs{}},
		"another id is not looked up": {at(2, 3), nil, at(2, 3)},
	} {
		for _, parts := range [][]writtenPart{
			{{covered: []*store.Document{doc}, held: tc.first}, {covered: []*store.Document{doc}, held: tc.second}},
			{{covered: []*store.Document{doc}, held: tc.second}, {covered: []*store.Document{doc}, held: tc.first}},
		} {
			for i := range parts {
				if parts[i].held == nil {
					parts[i].covered = nil
				}
			}
			if diff := cmp.Diff(tc.want, heldBefore(parts)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}
