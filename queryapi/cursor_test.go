package queryapi

import (
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	storequery "github.com/theeye/theeye/shared/query"
)

func TestCursorComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := query{category: rapid.String().Draw(t, "category")}
		want := storequery.Position{
			Time: time.UnixMicro(rapid.Int64Range(-62135596800_000_000, 253402300799_999_999).Draw(t, "time")).UTC(),
			ID:   rapid.StringMatching(`.+`).Draw(t, "id"),
		}
		cursor := encodeCursor(q.fingerprint(callEvents), want)
		got, err := decodeCursor(q.fingerprint(callEvents), cursor)
		if err != nil || !cmp.Equal(got, want) {
			t.Fatalf("%v, %v instead of %v", got, err, want)
		}
		if strings.ContainsAny(cursor, "+/=&?#% ") {
			t.Fatalf("cursor needs escapes: %s", cursor)
		}
	})
}

// A cursor that was changed anywhere is refused, whatever the change.
func TestTamperedCursorIsRefused(t *testing.T) {
	var q query
	fingerprint := q.fingerprint(callEvents)
	cursor := encodeCursor(fingerprint, storequery.Position{Time: time.UnixMicro(1700000000123456), ID: "demo/1"})
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	tampered := []string{
		"", "x", "null", cursor + "A", cursor + "=", cursor + "\n", "\r\n" + cursor, cursor[1:], cursor[:len(cursor)-4],
		base64.StdEncoding.EncodeToString(raw), strings.Repeat("A", 4000), `{"$ne":1}`,
	}
	for i := range raw {
		for bit := range 8 {
			b := append([]byte(nil), raw...)
			b[i] ^= 1 << bit
			tampered = append(tampered, base64.RawURLEncoding.EncodeToString(b))
		}
	}
	for _, c := range tampered {
		if c == cursor {
			t.Fatal("the test changed nothing")
		}
		if p, err := decodeCursor(fingerprint, c); !errors.Is(err, errCursor) {
			t.Errorf("cursor %q gave %v, %v", c, p, err)
		}
	}
}

// A cursor belongs to one query: everything that selects or orders is bound,
// the size of the page is not.
func TestCursorBelongsToItsQuery(t *testing.T) {
	base := query{application: "demo", category: "a", name: "bc", limit: 5}
	seen := map[[8]byte]string{base.fingerprint(callEvents): "base"}
	at := time.UnixMicro(1700000000000001).UTC()
	for name, change := range map[string]func(*query){
		"application": func(q *query) { q.application = "other" },
		"session":     func(q *query) { q.sessionID = "x" },
		"category":    func(q *query) { q.category = "b" },
		"boundary":    func(q *query) { q.category, q.name = "ab", "c" },
		"event":       func(q *query) { q.eventID = "e" },
		"code":        func(q *query) { q.code = "e" },
		"from":        func(q *query) { q.from = at },
		"to":          func(q *query) { q.to = at },
		"from by 1µs": func(q *query) { q.from = at.Add(time.Microsecond) },
		"order":       func(q *query) { q.descending = true },
	} {
		q := base
		change(&q)
		f := q.fingerprint(callEvents)
		if other, taken := seen[f]; taken {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[f] = name
	}
	if _, taken := seen[base.fingerprint(callRejected)]; taken {
		t.Error("a cursor of events passes for rejected")
	}
	larger := base
	larger.limit, larger.cursor = 500, "x"
	if larger.fingerprint(callEvents) != base.fingerprint(callEvents) {
		t.Error("the limit is bound")
	}
}

func TestPositionOfQuery(t *testing.T) {
	q := query{category: "a"}
	if p, err := q.position(callEvents); p != nil || err != nil {
		t.Errorf("no cursor gave %v, %v", p, err)
	}
	q.cursor = "AAAA"
	_, err := q.position(callEvents)
	var f *failure
	if !errors.As(err, &f) || f.Status != http.StatusBadRequest || f.Code != codeInvalidCursor {
		t.Errorf("a wrong cursor gave %v", err)
	}
}

func FuzzCursor(f *testing.F) {
	var q query
	fingerprint := q.fingerprint(callEvents)
	f.Add(encodeCursor(fingerprint, storequery.Position{Time: time.UnixMicro(0), ID: "a/b"}))
	f.Add(encodeCursor(fingerprint, storequery.Position{Time: time.UnixMicro(math.MinInt64), ID: "\x00"}))
	f.Add("")
	f.Add("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := decodeCursor(fingerprint, cursor)
		if err != nil {
			return
		}
		// What is taken is exactly what would be given.
		if again := encodeCursor(fingerprint, p); again != cursor {
			t.Errorf("%q decodes to %v, which encodes to %q", cursor, p, again)
		}
	})
}
