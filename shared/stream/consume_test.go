package stream

import (
	"slices"
	"testing"
)

// A range continues after its consumer was deleted, or the server restarted: each message
// once, and the consumers of a reader are gone when it has ended.
func TestConsumeSurvivesTheLossOfItsConsumer(t *testing.T) {
	ctx, js := connect(t)
	const n = 30_000
	fillStream(ctx, t, js, n, func(int) string { return Unregistered("a") })
	events, err := js.Stream(ctx, Name)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	deleted := 0
	for portion, err := range Consume(ctx, js, Range{First: 11}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range portion {
			got = append(got, m.Seq)
		}
		if deleted == 3 {
			continue
		}
		names := events.ConsumerNames(ctx)
		for name := range names.Name() {
			if name == Consumer {
				continue
			}
			deleted++
			if err := events.DeleteConsumer(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var want []uint64
	for seq := uint64(11); seq <= n; seq++ {
		want = append(want, seq)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages, want %d; first difference at %d", len(got), len(want), difference(got, want))
	}
	if deleted != 3 {
		t.Errorf("%d consumers were deleted", deleted)
	}
	for name := range events.ConsumerNames(ctx).Name() {
		if name != Consumer {
			t.Errorf("consumer %s is left", name)
		}
	}
}
