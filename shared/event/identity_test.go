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
