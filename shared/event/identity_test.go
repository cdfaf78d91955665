package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
)

func TestParseUUIDAcceptsTheLongFormOnly(t *testing.T) {
	const id = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
	for text, want := range map[string]string{
		id:                                     id,
		strings.ToUpper(id):                    id,
		"00000000-0000-0000-0000-000000000000": "00000000-0000-0000-0000-000000000000",
		"":                                     "",
		"urn:uuid:" + id:                       "",
		"{" + id + "}":                         "",
		strings.ReplaceAll(id, "-", ""):        "",
		id + " ":                               "",
		" " + id[1:]:                           "",
		"g" + id[1:]:                           "",
		"e2085be5-9137-4e4e-80b5f-1ffddc25423": "",
		"é" + id[2:]:                           "",
	} {
		got, ok := event.ParseUUID(text)
		ofBytes, okBytes := event.ParseUUID([]byte(text))
		if got != want || ok != (want != "") || ofBytes != got || okBytes != ok {
			t.Errorf("ParseUUID(%q) = %q, %t; of bytes %q, %t", text, got, ok, ofBytes, okBytes)
		}
	}
}

func TestParseUUIDAgreesWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9a-fA-Fg]{8}-[0-9a-f]{4}-[0-9A-F]{3,5}-[0-9a-f]{4}-[0-9a-f-]{11,12}`).Draw(t, "text")
		_, ok := event.ParseUUID(text)
		if want := len(text) == 36 && uuid.Validate(text) == nil; ok != want {
			t.Fatalf("ParseUUID(%q) = %t, want %t", text, ok, want)
		}
	})
}

func TestDeriveIDIsAUUIDOfTimeAndHash(t *testing.T) {
	hash := event.HashOf([]byte("{}"))
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "00000000-0000-7413-afa3-55b3678a1146"},
		{time.Unix(-1, 0), "00000000-0000-7413-afa3-55b3678a1146"},
		{time.UnixMilli(1609492527243), "0176bd3a-f88b-7413-afa3-55b3678a1146"},
	} {
		if got := event.DeriveID(c.at, hash); got != c.want {
			t.Errorf("DeriveID(%s) = %s, want %s (hash %s)", c.at, got, c.want, hash)
		}
	}
}

// The hash is the first half of SHA-256, here of a text with a well-known sum.
func TestHashIsHalfOfSHA256(t *testing.T) {
	if got, want := event.HashOf(nil).String(), "e3b0c44298fc1c149afbf4c8996fb924"; got != want {
		t.Errorf("the hash of nothing is %s, want %s", got, want)
	}
}

// Events of equal content get equal ids, and an index on ids is in the order of
// time.
func TestDerivedIDsAreOrderedByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		derive := func(label string) (time.Time, string) {
			at := time.UnixMilli(rapid.Int64Range(0, 253402300799_999).Draw(t, label))
			content := rapid.SliceOf(rapid.Byte()).Draw(t, label+" content")
			id := event.DeriveID(at, event.HashOf(content))
			if again := event.DeriveID(at.Add(time.Millisecond-1).In(time.FixedZone("", 3600)), event.HashOf(content)); again != id {
				t.Fatalf("equal content at %s gets the ids %s and %s", at, id, again)
			}
			u, err := uuid.Parse(id)
			if err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122 || u.String() != id {
				t.Fatalf("%s is not a UUID of version 7: %v", id, err)
			}
			return at, id
		}
		at1, id1 := derive("first")
		at2, id2 := derive("second")
		if c := at1.Compare(at2); c != 0 && c != strings.Compare(id1, id2) {
			t.Fatalf("%s is the id at %s, %s that at %s", id1, at1, id2, at2)
		}
	})
}
