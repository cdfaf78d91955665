package schema

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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

const (
	mailed  = `{"mail": "a@example.com", "n": 1}`
	badMail = `{"mail": "a@example.com", "n": "1"}`

	plainSchema  = `{"properties": {"n": {"type": "integer"}}}`
	hashSchema   = `{"properties": {"n": {"type": "integer"}, "mail": {"x-eye-pii": "hash"}}}`
	droppySchema = `{"properties": {"n": {"type": "integer"}, "mail": {"x-eye-pii": "drop"}}}`
)

// What the store may keep of an event: hashed data and originals.
func TestValidateKeepsOriginals(t *testing.T) {
	hash := `"` + hashed(testKey, "demo", `"a@example.com"`) + `"`
	plain := func(t *testing.T) Versioned { return Versioned{Schema: compile(t, plainSchema), Revision: 9} }
	hashing := func(t *testing.T) Versioned {
		return Versioned{Schema: compile(t, hashSchema), Revision: 9, Earlier: []*Version{
			NewVersion(3, []byte(plainSchema)), NewVersion(4, []byte(droppySchema)), NewVersion(5, []byte(`{"type": "no"}`)),
		}}
	}
	wasHashing := func(t *testing.T) Versioned {
		return Versioned{Schema: compile(t, plainSchema), Revision: 9, Earlier: []*Version{NewVersion(3, []byte(hashSchema))}}
	}
	unusable := func(*testing.T) Versioned { return Versioned{Revision: 9} }
	policy := func(byDefault, byType string) Policy {
		p := DefaultPolicy()
		p.Originals.Default = byDefault
		if byType != "" {
			p.Originals.Types = map[Type]string{pageview: byType}
		}
		return p
	}
	for name, tc := range map[string]struct {
		policy   Policy
		schema   func(*testing.T) Versioned
		key      []byte
		version  int64
		data     string
		wantData string // "" is nil
		original bool
		want     []string
	}{
		"plain":                           {policy("", ""), plain, nil, 0, mailed, `{"mail":"a@example.com","n":1}`, true, nil},
		"plain, rejected":                 {policy("keep", ""), plain, nil, 0, badMail, `{"mail":"a@example.com","n":"1"}`, true, []string{"schema_violation /data/n"}},
		"plain, dropped":                  {policy("drop", ""), plain, nil, 0, badMail, "", false, []string{"schema_violation /data/n"}},
		"plain, stored under drop":        {policy("drop", ""), plain, nil, 0, mailed, `{"mail":"a@example.com","n":1}`, false, nil},
		"plain, dropped by type":          {policy("keep", "drop"), plain, nil, 0, badMail, "", false, []string{"schema_violation /data/n"}},
		"plain, kept by type":             {policy("drop", "keep"), plain, nil, 0, badMail, `{"mail":"a@example.com","n":"1"}`, true, []string{"schema_violation /data/n"}},
		"hashed":                          {policy("keep", ""), hashing, testKey, 0, mailed, `{"mail":` + hash + `,"n":1}`, false, nil},
		"hashed, rejected":                {policy("keep", ""), hashing, testKey, 0, badMail, "", false, []string{"schema_violation /data/n"}},
		"hashed, kept by type":            {policy("drop", "keep"), hashing, testKey, 0, badMail, `{"mail":` + hash + `,"n":"1"}`, true, []string{"schema_violation /data/n"}},
		"no key":                          {policy("keep", "keep"), hashing, nil, 0, mailed, "", false, []string{"validator_failed /data"}},
		"no key, rejected":                {policy("keep", "keep"), hashing, nil, 0, badMail, "", false, []string{"schema_violation /data/n", "validator_failed /data"}},
		"no key, nothing to hash":         {policy("", ""), hashing, nil, 0, `{"n": 1}`, `{"n":1}`, false, nil},
		"by an old version without marks": {policy("", ""), hashing, testKey, 3, mailed, `{"mail":` + hash + `,"n":1}`, false, nil},
		"by an old version that drops":    {policy("", ""), hashing, testKey, 4, mailed, `{"n":1}`, false, nil},
		"by an old version, unusable":     {policy("", ""), hashing, testKey, 5, mailed, "", false, []string{"validator_failed /data"}},
		"by an unknown version":           {policy("", ""), hashing, testKey, 7, mailed, "", false, []string{"unknown_schema_version /schema_version"}},
		"by an unknown version, kept":     {policy("", "keep"), hashing, testKey, 7, mailed, `{"mail":` + hash + `,"n":1}`, true, []string{"unknown_schema_version /schema_version"}},
		"marks of old, by the newest":     {policy("", ""), wasHashing, nil, 0, mailed, `{"mail":"a@example.com","n":1}`, true, nil},
		"marks of old, by the old":        {policy("", ""), wasHashing, testKey, 3, mailed, `{"mail":` + hash + `,"n":1}`, false, nil},
		"unusable":                        {policy("keep", ""), unusable, testKey, 0, mailed, "", false, []string{"validator_failed /data"}},
		"unusable, kept by type":          {policy("", "keep"), unusable, testKey, 0, mailed, `{"mail":"a@example.com","n":1}`, true, []string{"validator_failed /data"}},
		"no object":                       {policy("keep", "keep"), hashing, testKey, 0, `["a@example.com"]`, "", true, []string{"invalid_data /data"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSet(9, tc.policy, map[Type]Versioned{pageview: tc.schema(t)}, tc.key)
			ev := named(t, tc.version, tc.data)
			v := s.Validate(ev, received, "demo")
			if diff := cmp.Diff(tc.want, codes(v)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if string(v.Data) != tc.wantData || (v.Data == nil) != (tc.wantData == "") || v.KeepOriginal != tc.original {
				t.Errorf("data %s, original kept: %v; want %s, %v", v.Data, v.KeepOriginal, tc.wantData, tc.original)
			}
			if diff := cmp.Diff(v, s.Validate(ev, received, "demo")); diff != "" {
				t.Errorf("validated again:\n%s", diff)
			}
		})
	}
}

// What no schema speaks of is kept as the policy has it for all.
func TestValidateKeepsUnknownTypes(t *testing.T) {
	for byDefault, want := range map[string]bool{"": true, "keep": true, "drop": false} {
		p := DefaultPolicy()
		p.Originals.Default = byDefault
		v := NewSet(9, p, nil, nil).Validate(named(t, 0, mailed), received, "demo")
		if v.KeepOriginal != want || (v.Data != nil) != want {
			t.Errorf("%q: data %s, original kept: %v", byDefault, v.Data, v.KeepOriginal)
		}
	}
}

// A Set has its own key and its own law.
func TestSetCopies(t *testing.T) {
	key := append([]byte(nil), testKey...)
	p := DefaultPolicy()
	p.Originals.Types = map[Type]string{pageview: KeepOriginals}
	p.Retention.Types = map[Type]time.Duration{pageview: time.Hour}
	p.Retention.RejectedTypes = map[Type]time.Duration{pageview: time.Minute}
	s := NewSet(9, p, map[Type]Versioned{pageview: {Schema: compile(t, hashSchema), Revision: 9}}, key)
	want := [2]Verdict{s.Validate(named(t, 0, badMail), received, "demo"), s.Validate(named(t, 0, mailed), received, "demo")}
	clear(key)
	clear(p.Originals.Types)
	clear(p.Retention.Types)
	clear(p.Retention.RejectedTypes)
	got := [2]Verdict{s.Validate(named(t, 0, badMail), received, "demo"), s.Validate(named(t, 0, mailed), received, "demo")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the set changed with what it was made of:\n%s", diff)
	}
	if !want[0].KeepOriginal || want[0].Retention != time.Minute || want[1].Retention != time.Hour {
		t.Errorf("validated as %+v", want)
	}
}
