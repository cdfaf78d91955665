package processor

import ("testing";"fmt")

func BenchmarkLanes(b *testing.B) {
	w, set := newBenchWorld(b)
	for b.Loop() {
		for _, n := range []int{3, 4, 3, 4, 3, 4} {
			msgs := sample(benchEvents(), 0)
			bare := w.bare(b, set, msgs)
			w.fill(msgs)
			r := w.rate(b, func(c *Config) { c.Lanes = n })
			w.fill(sample(benchEvents(), 10))
			d := w.rate(b, func(c *Config) { c.Lanes = n })
			fmt.Printf("%d lanes: bare %.0f ours %.0f = %.2f; dup %.0f = %.2f\n", n, bare, r, r/bare, d, d/r)
		}
	}
}
