package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Where events of these tests belong when nothing else is said.
const (
	defaultSession   = "7d3b1c9e-52a4-4f0e-9b6f-2f4f1d0c8a11"
	defaultTimestamp = "2021-01-01 09:15:27.243860"
)

// native writes an event of type hostile/any with an id. Edits are pairs of a
// member and its JSON; an empty one leaves the member out. Members that are
// unknown come last.
func native(id string, edits ...string) string {
	order := []string{"event_id", "session_id", "category", "name", "data", "timestamp"}
	members := map[string]string{
		"event_id": quote(id), "session_id": quote(defaultSession), "category": `"hostile"`, "name": `"any"`,
		"data": `{"v":1}`, "timestamp": quote(defaultTimestamp),
	}
	for i := 0; i < len(edits); i += 2 {
		if _, known := members[edits[i]]; !known {
			order = append(order, edits[i])
		}
		members[edits[i]] = edits[i+1]
	}
	var list []string
	for _, name := range order {
		if members[name] != "" {
			list = append(list, quote(name)+":"+members[name])
		}
	}
	return "{" + strings.Join(list, ",") + "}"
}

// nativeData is native with other data.
func nativeData(id, data string) string { return native(id, "data", data) }

// batch writes an array of events.
func batch(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

// click writes an event of the sample type "cta click".
func click(id, session, timestamp string, n int) string {
	return native(id, "session_id", quote(session), "category", `"page interaction"`, "name", `"cta click"`,
		"data", fmt.Sprintf(`{"host":"www.example.com","path":"/","element":"chat bubble","n":%d}`, n),
		"timestamp", quote(timestamp))
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// newSession is the id of a session that no other test has.
func newSession() string { return uuid.NewString() }

// newID is an event id that no other test has.
func newID() string { return rand.Text() }

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
