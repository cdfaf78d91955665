package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
)

func TestNearestFindsMisspellings(t *testing.T) {
	members := event.NewVocabulary("event_id", "session_id", "category", "name", "data", "timestamp", "schema_version")
	for word, want := range map[string]string{
		"catgory": "category", "categroy": "category", "Category": "category", "catégory": "category",
		"sessionId": "session_id", "session-id": "session_id", "SESSION ID": "session_id", "sesion": "",
		"timeStamp": "timestamp", "timestmp": "timestamp", "nqme": "name", "event": "", "eventid": "event_id",
		"user_id": "", "type": "", "": "", "_": "", "x": "", "schemaVersion": "schema_version",
		strings.Repeat("n", 101): "", "\xff\xff": "",
	} {
		if _, got := members.Nearest(word); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
	// The nearest, and of two the first.
	if i, got := event.NewVocabulary("pageview2", "pageviews", "pageview", "pagevieW").Nearest("pageveiw"); i != 2 || got != "pageview" {
		t.Errorf("nearest is %d, %q", i, got)
	}
	if i, got := event.NewVocabulary("", "_", "y", strings.Repeat("anything", 20)).Nearest("anything"); i != -1 || got != "" {
		t.Errorf("nearest is %d, %q", i, got)
	}
}

func BenchmarkNearest(b *testing.B) {
	words := make([]string, 1000)
	for i := range words {
		words[i] = fmt.Sprintf("page interaction/click on button %d", i)
	}
	v := event.NewVocabulary(words...)
	for b.Loop() {
		v.Nearest("page interaction/click on botton x")
	}
}
