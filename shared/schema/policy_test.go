package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
)

func TestParsePolicy(t *testing.T) {
	for raw, want := range map[string]Policy{
		`{}`:                    {FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute, UnknownMembers: RejectUnknown, UnknownTypes: RejectUnknown},
		`{"future_skew": "0s"}`: {ClockCorrection: time.Minute, UnknownTypes: RejectUnknown, UnknownMembers: RejectUnknown},
		`{"clock_correction": "0s", "unknown_members": "drop"}`: {FutureSkew: 5 * time.Minute, UnknownTypes: RejectUnknown, UnknownMembers: DropUnknown},
		`{"oldest_age": "720h"}`:                                {FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute, UnknownMembers: RejectUnknown, OldestAge: 720 * time.Hour, UnknownTypes: RejectUnknown},
		`{"unknown_types": "store", "retention": {"stored": "24h", "rejected": "1h", "types": {"page=20interaction/cta=20click": "48h"}}}`: {
			FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute, UnknownMembers: RejectUnknown, UnknownTypes: StoreUnknown,
			Retention: Retention{Stored: 24 * time.Hour, Rejected: time.Hour, Types: map[Type]time.Duration{
				{"page interaction", "cta click"}: 48 * time.Hour,
			}, RejectedTypes: map[Type]time.Duration{}},
		},
		`{"retention": {"rejected": "1h", "types": {"a/b": {"stored": "2h", "rejected": "3h"}, "a/c": {"rejected": "0s"}, "a/d": {}}}}`: {
			FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute, UnknownMembers: RejectUnknown, UnknownTypes: RejectUnknown,
			Retention: Retention{
				Rejected: time.Hour, Types: map[Type]time.Duration{{"a", "b"}: 2 * time.Hour},
				RejectedTypes: map[Type]time.Duration{{"a", "b"}: 3 * time.Hour, {"a", "c"}: 0},
			},
		},
		`{"originals": {}}`: {FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute, UnknownMembers: RejectUnknown, UnknownTypes: RejectUnknown},
		`{"originals": {"default": "drop", "types": {"page=20interaction/a": "keep", "a/b": "drop"}}}`: {
			FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute, UnknownMembers: RejectUnknown, UnknownTypes: RejectUnknown,
			Originals: Originals{Default: DropOriginals, Types: map[Type]string{
				{"page interaction", "a"}: KeepOriginals, {"a", "b"}: DropOriginals,
			}},
		},
	} {
		got, faults := ParsePolicy([]byte(raw))
		if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
			t.Errorf("ParsePolicy(%s) (-want +got):\n%s%v", raw, diff, faults)
		}
	}
}

func TestParsePolicyFaults(t *testing.T) {
	for raw, want := range map[string][]string{
		`[]`: {""},
		`{`:  {""},
		`{"future_skew": 300, "oldest_age": "-1s", "unknown_types": "keep", "Future_skew": "5m"}`:                                                               {"/Future_skew", "/future_skew", "/oldest_age", "/unknown_types"},
		`{"clock_correction": 60, "unknown_members": "store"}`:                                                                                                  {"/clock_correction", "/unknown_members"},
		`{"future_skew": "5 minutes", "oldest_age": "1000000h", "retention": 1}`:                                                                                {"/future_skew", "/oldest_age", "/retention"},
		`{"retention": {"store": "1h", "stored": null, "types": {"page interaction/x": "1h", "a": "1h", "a/b": "x", "=2/b": "1h", "/b": "1h", "a/b/c": "1h"}}}`: {"/retention/store", "/retention/stored", "/retention/types/~1b", "/retention/types/=2~1b", "/retention/types/a", "/retention/types/a~1b", "/retention/types/a~1b~1c", "/retention/types/page interaction~1x"},
		`{"retention": {"types": []}}`: {"/retention/types"},
		`{"retention": {"types": {"a/b": {"stored": 1, "kept": "1h"}, "a/c": {"rejected": "-1s"}, "a/d": []}}}`: {"/retention/types/a~1b/kept", "/retention/types/a~1b/stored", "/retention/types/a~1c/rejected", "/retention/types/a~1d"},
		`{"originals": "drop"}`: {"/originals"},
		`{"originals": {"default": true, "types": {"a": "keep", "a/b": "Keep", "a/c": null}, "all": "keep"}}`: {"/originals/all", "/originals/default", "/originals/types/a", "/originals/types/a~1b", "/originals/types/a~1c"},
		`{"originals": {"default": "", "types": 1}}`:                                                          {"/originals/default", "/originals/types"},
		`{"future_skew": "5m", "future_skew": "10m"}`:                                                         {"/future_skew"},
	} {
		_, faults := ParsePolicy([]byte(raw))
		var got []string
		for _, f := range faults {
			got = append(got, f.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParsePolicy(%s), places of the faults (-want +got):\n%s%v", raw, diff, faults)
		}
	}
}

// The store keeps a time plus any duration of a policy.
func TestDurationsOfAPolicyAreBounded(t *testing.T) {
	for text, want := range map[string]bool{"0s": true, "876000h": true, "876000h0m0.000000001s": false, "-1ns": false, "": false} {
		p, faults := ParsePolicy([]byte(`{"oldest_age": "` + text + `"}`))
		if got := len(faults) == 0; got != want || !want && p.OldestAge != 0 {
			t.Errorf("%q: %s, %v", text, p.OldestAge, faults)
		}
	}
}

func TestRetentionOfATypeReplacesThatOfAll(t *testing.T) {
	named, other := Type{"a", "b"}, Type{"a", "c"}
	r := Retention{
		Stored: 1, Rejected: 2,
		Types: map[Type]time.Duration{named: 3}, RejectedTypes: map[Type]time.Duration{named: 0},
	}
	for _, c := range []struct {
		t        Type
		rejected bool
		want     time.Duration
	}{{named, false, 3}, {named, true, 0}, {other, false, 1}, {other, true, 2}} {
		if got := r.Of(c.t, c.rejected); got != c.want {
			t.Errorf("%s, rejected %t: %d, want %d", c.t, c.rejected, got, c.want)
		}
	}
}

func TestTypes(t *testing.T) {
	longest := strings.Repeat("é", event.MaxIDLength)
	for _, want := range []Type{{"page interaction", "cta click"}, {"a/b", "é"}, {"=", "."}, {longest, longest}} {
		got, err := ParseType(want.String())
		if err != nil || got != want {
			t.Errorf("ParseType(%q) = %v, %v", want.String(), got, err)
		}
	}
	long := Type{"a", string(make([]byte, event.MaxIDLength+1))}
	for _, s := range []string{"", "a", "a/", "/a", "a b/c", "a/b/c", "=FF/a", "=/a", "a/=61", long.String(), longest + "é/a"} {
		if got, err := ParseType(s); err == nil {
			t.Errorf("ParseType(%q) = %v, want an error", s, got)
		}
	}
}
