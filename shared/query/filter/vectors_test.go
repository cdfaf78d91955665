package filter_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query/filter"
)

var update = flag.Bool("update", false, "write the verdicts of the vectors as they are")

// vectors are filters with their verdicts, for evaluators in any language.
type vectors struct {
	// Now is what relative times are relative to.
	Now time.Time `json:"now"`
	// Events are what the filters are matched with.
	Events  []vectorEvent `json:"events"`
	Vectors []vector      `json:"vectors"`
}

type vectorEvent struct {
	Application   string          `json:"application"`
	EventID       string          `json:"event_id"`
	SessionID     string          `json:"session_id,omitempty"`
	Category      string          `json:"category,omitempty"`
	Name          string          `json:"name,omitempty"`
	SchemaVersion int64           `json:"schema_version,omitempty"`
	Timestamp     time.Time       `json:"timestamp,omitzero"`
	ReceivedAt    time.Time       `json:"received_at"`
	Data          json.RawMessage `json:"data,omitempty"`
}

// vector is a filter with its canonical text and the indices of the events that it
// matches, or with the position of its fault in bytes.
type vector struct {
	Filter    string `json:"filter"`
	Canonical string `json:"canonical,omitempty"`
	Matches   []int  `json:"matches,omitempty"`
	Position  *int   `json:"position,omitempty"`
}

// The evaluator gives the verdicts of testdata/vectors.json, which one in another
// language must give, too.
func TestVectors(t *testing.T) {
	const file = "testdata/vectors.json"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all vectors
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for i := range all.Vectors {
		got := vector{Filter: all.Vectors[i].Filter}
		f, err := filter.Parse([]string{got.Filter}, all.Now)
		var faulty *filter.Error
		if errors.As(err, &faulty) {
			got.Position = &faulty.Position
		} else {
			got.Canonical = f[0].String()
			for n, e := range all.Events {
				if f.Match(&filter.Event{
					Application: e.Application, EventID: e.EventID, SessionID: e.SessionID, Category: e.Category, Name: e.Name,
					SchemaVersion: e.SchemaVersion, Timestamp: e.Timestamp, ReceivedAt: e.ReceivedAt, Data: e.Data,
				}) {
					got.Matches = append(got.Matches, n)
				}
			}
		}
		if a, b := encode(got), encode(all.Vectors[i]); a != b && !*update {
			t.Errorf("%s, want %s", a, b)
		}
		all.Vectors[i] = got
	}
	if *update {
		writeVectors(t, file, all)
	}
}

// writeVectors writes an event and a vector a line.
func writeVectors(t *testing.T, file string, all vectors) {
	var b strings.Builder
	b.WriteString("{\"now\": " + encode(all.Now) + ",\n\"events\": [\n")
	for i, e := range all.Events {
		b.WriteString("  " + encode(e) + map[bool]string{true: ",\n", false: "\n"}[i < len(all.Events)-1])
	}
	b.WriteString("],\n\"vectors\": [\n")
	for i, v := range all.Vectors {
		b.WriteString("  " + encode(v) + map[bool]string{true: ",\n", false: "\n"}[i < len(all.Vectors)-1])
	}
	b.WriteString("]}\n")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever the text: no panic, a fault lies within the text, and the canonical text of
// a condition stays the same when it is parsed again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"data.x=5", `data."a.b"[].0 in [1,"a",{"b":[null]}]`, "timestamp>1h", "type^=a", "data.x exists false", "session_id=AB", "data.n>1e-99999999999999999999",
		`data.x="\ud800"`, "data.\xff=1", "data.x\x00=1", "category\u2028=1", "data.x=[[[[", "data.x=1e400", "$where=1", "data.__proto__=1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := filter.Parse([]string{text}, now)
		if err != nil {
			var faulty *filter.Error
			if !errors.As(err, &faulty) || faulty.Position < 0 || faulty.Position > len(text) || faulty.Expected == "" || len(err.Error()) > 1000 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		canonical := list[0].String()
		list.Match(sample())
		if len(canonical) > filter.MaxBytes {
			return
		}
		again, err := filter.Parse([]string{canonical}, now)
		if err != nil || again[0].String() != canonical || again[0].Match(sample()) != list[0].Match(sample()) {
			t.Fatalf("%q is %q, which is read as %v, %v", text, canonical, again.Texts(), err)
		}
	})
}
