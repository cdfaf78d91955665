package schema

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
)

// wants is a schema that takes data whose member v is the version's own number.
func wants(revision uint64, supersedes ...uint64) string {
	return fmt.Sprintf(`{"x-eye-supersedes": %s, "required": ["v"], "properties": {"v": {"const": %d}}}`,
		strings.ReplaceAll(fmt.Sprint(supersedes), " ", ","), revision)
}

// named is an event of type pageview that names a version.
func named(t testing.TB, version int64, data string) *event.Event {
	t.Helper()
	ev := sent(t, `"page interaction"`, `"pageview"`, data, `"2026-01-02T03:04:05Z"`)
	ev.SchemaVersion = version
	return ev
}

func codes(v Verdict) (codes []string) {
	for _, f := range v.Faults {
		codes = append(codes, f.Code+" "+f.Path)
	}
	return codes
}

func TestNamedVersionValidates(t *testing.T) {
	s := NewSet(50, DefaultPolicy(), map[Type]Versioned{
		pageview: {
			Schema: compile(t, wants(40, 30, 40, 41)), Revision: 40,
			Earlier: []*Version{
				NewVersion(10, []byte(wants(10))),
				NewVersion(20, []byte(wants(20, 10))),
				NewVersion(30, []byte(wants(30, 10))),
				NewVersion(35, []byte(`{"x-eye-supersedes": [20], "type": "no such type"}`)),
				NewVersion(36, []byte(`{`)),
				NewVersion(38, []byte(wants(38, 39, 40))),
			},
		},
		{"broken", "here"}: {Revision: 9, Earlier: []*Version{NewVersion(3, []byte(`{}`))}},
	}, nil)
	for name, tc := range map[string]struct {
		sent    int64
		version uint64
		want    []string
	}{
		"none":                                   {0, 40, nil},
		"the newest, which lists itself":         {40, 40, nil},
		"kept":                                   {38, 38, nil},
		"superseded by the newest":               {30, 40, nil},
		"superseded by what is superseded":       {10, 40, nil},
		"superseded by one that is unusable":     {20, 35, []string{"validator_failed /data"}},
		"unusable":                               {36, 36, []string{"validator_failed /data"}},
		"never there, listed by an older one":    {39, 0, []string{"unknown_schema_version /schema_version"}},
		"of the future, listed by the newest":    {41, 0, []string{"unknown_schema_version /schema_version"}},
		"older than all":                         {1, 0, []string{"unknown_schema_version /schema_version"}},
		"as large as the envelope lets it in be": {math.MaxInt64, 0, []string{"unknown_schema_version /schema_version"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.Validate(named(t, tc.sent, fmt.Sprintf(`{"v": %d}`, tc.version)), received, "demo")
			if diff := cmp.Diff(tc.want, codes(v)); diff != "" || v.SchemaVersion != tc.version {
				t.Errorf("validated by %d, want %d; faults (-want +got):\n%s", v.SchemaVersion, tc.version, diff)
			}
		})
	}
	ev := named(t, 3, `{}`)
	ev.Category, ev.Name = "broken", "here"
	if v := s.Validate(ev, received, "demo"); v.SchemaVersion != 9 || len(v.Faults) != 1 || v.Faults[0].Code != event.CodeValidatorFailed {
		t.Errorf("an earlier version applied in place of an unusable one: %+v", v)
	}
	ev.Name = "unknown"
	if v := s.Validate(ev, received, "demo"); len(v.Faults) != 1 || v.Faults[0].Code != event.CodeUnknownType {
		t.Errorf("of an unknown type: %v", v.Faults)
	}
}

// The applied version is the one that a naive reading of the rule finds.
func TestVersionsMatchTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		revisions := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 20), 1, 12, rapid.ID[uint64]).Draw(t, "revisions")
		slices.Sort(revisions)
		lists := map[uint64][]uint64{}
		var versions []*Version
		for _, r := range revisions {
			lists[r] = rapid.SliceOfDistinct(rapid.Uint64Range(1, 22), rapid.ID[uint64]).Draw(t, fmt.Sprint("list of ", r))
			versions = append(versions, NewVersion(r, []byte(wants(r, lists[r]...))))
		}
		last := len(versions) - 1
		r := register(Versioned{Schema: versions[last].Schema(), Revision: revisions[last], Earlier: versions[:last]})
		for sent := uint64(1); sent < 24; sent++ {
			got, ok := r.schemaFor(sent)
			if want := expectedVersion(sent, revisions, lists); got.revision != want || ok != (want != 0) {
				t.Fatalf("%d is validated by %d (%v), want %d", sent, got.revision, ok, want)
			}
		}
	})
}

// expectedVersion is the documented rule: the newest that lists it, and so on.
func expectedVersion(sent uint64, revisions []uint64, lists map[uint64][]uint64) uint64 {
	if !slices.Contains(revisions, sent) {
		return 0
	}
	for _, r := range slices.Backward(revisions) {
		if r > sent && slices.Contains(lists[r], sent) {
			return expectedVersion(r, revisions, lists)
		}
	}
	return sent
}

// However long the history is, the newest MaxEarlier versions count.
func TestEarlierIsBounded(t *testing.T) {
	const length = 100_000
	earlier := make([]*Version, length)
	for i := range earlier {
		earlier[i] = NewVersion(uint64(i+1), []byte(`{}`))
	}
	newest := uint64(length - 1) // the last two are none of the earlier ones
	r := register(Versioned{Schema: compile(t, `{}`), Revision: newest, Earlier: earlier})
	for sent, want := range map[uint64]bool{
		newest: true, newest - 1: true, newest - MaxEarlier: true,
		newest - MaxEarlier - 1: false, 1: false, newest + 1: false, length: false,
	} {
		if _, ok := r.schemaFor(sent); ok != want {
			t.Errorf("version %d is known: %v, want %v", sent, ok, want)
		}
	}
	if len(r.targets) != MaxEarlier {
		t.Errorf("%d versions are kept", len(r.targets))
	}
}

// A version is compiled once, by the first caller.
func TestVersionCompilesOnce(t *testing.T) {
	v := NewVersion(3, []byte(pageviewSchema))
	schemas := make([]*Schema, 8)
	var all sync.WaitGroup
	for i := range schemas {
		all.Go(func() {
			r := register(Versioned{Schema: &Schema{}, Revision: 4, Earlier: []*Version{v}})
			by, _ := r.schemaFor(3)
			schemas[i] = by.schema
		})
	}
	all.Wait()
	for _, s := range schemas {
		if s == nil || s != schemas[0] {
			t.Fatal("a version has two schemas, or none")
		}
	}
	if v.raw != nil {
		t.Error("the text is kept beside the schema")
	}
}

func TestSupersedes(t *testing.T) {
	for raw, want := range map[string][]uint64{
		`{"x-eye-supersedes": [7, 3]}`:                         {3, 7},
		`{"x-eye-supersedes": [1, 1], "type": "no such type"}`: {1},
		`{"x-eye-supersedes": []}`:                             {},
		`{}`:                                                   nil,
		`true`:                                                 nil,
		`[1`:                                                   nil,
		`{"x-eye-supersedes": 1}`:                              nil,
		`{"x-eye-supersedes": [1, 0]}`:                         nil,
		`{"x-eye-supersedes": [1, "2"]}`:                       nil,
		`{"x-eye-supersedes": ` + "[" + list(MaxSupersedes+1, `1%d`) + `]}`: nil,
		`{"properties": {"x-eye-supersedes": {}}}`:                          nil,
	} {
		if diff := cmp.Diff(want, NewVersion(9, []byte(raw)).Supersedes()); diff != "" {
			t.Errorf("%.80s supersedes (-want +got):\n%s", raw, diff)
		}
	}
	if diff := cmp.Diff([]uint64{3, 7}, compile(t, wants(9, 7, 3)).Supersedes()); diff != "" {
		t.Errorf("a compiled schema supersedes (-want +got):\n%s", diff)
	}
}
