package schema

import "testing"

func TestHashes(t *testing.T) {
	for raw, want := range map[string]bool{
		`{}`: false,
		`{"properties": {"a": {"x-eye-pii": "drop"}}}`:                                   false,
		`{"properties": {"a": {"x-eye-pii": "hash"}}}`:                                   true,
		`{"properties": {"a": {"properties": {"b": {"items": {"x-eye-pii": "hash"}}}}}}`: true,
		`{"const": {"x-eye-pii": "hash"}}`:                                               false,
	} {
		s, faults := Compile([]byte(raw))
		if len(faults) > 0 {
			t.Fatal(raw, faults)
		}
		if got := s.Hashes(); got != want {
			t.Errorf("%s: %t", raw, got)
		}
	}
	if (*Schema)(nil).Hashes() {
		t.Error("no schema hashes")
	}
}
