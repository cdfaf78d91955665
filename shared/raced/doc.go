// Package raced says to tests whether the race detector watches them. It makes sequential
// work several times slower: tests of many random cases run a part of them under it, and
// `make test`, which runs without it, all of them.
package raced

// Cases returns how many of n cases a test runs: a twentieth under the race detector.
func Cases(n int) int {
	if Enabled {
		return (n + 19) / 20
	}
	return n
}
