//go:build !race

package raced

// Enabled says that the race detector watches this program.
const Enabled = false
