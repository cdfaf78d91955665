package native_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// formatBatch formats a batch in one line: each item as its bytes, a refused one
// with its code before them.
func formatBatch(b event.Batch) string {
	var items []string
	for _, item := range b.Items {
		text := string(item.Raw)
		if item.Refusal != nil {
			text = item.Refusal.Code + "!" + text
		}
		items = append(items, text)
	}
	return strings.Join(items, " | ")
}

func TestSplitAcceptsAllForms(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"one event", ` {"a":1} `, `{"a":1}`},
		{"one event over lines", "{\n\"a\":\r\n1}\n", "{\n\"a\":\r\n1}"},
		{"array", `[{"a":1}, {"b":2} ,{}]`, `{"a":1} | {"b":2} | {}`},
		{"array over lines", "[\n{\"a\":1},\r\n\t{}\n]\n", `{"a":1} | {}`},
		{"not objects", `[1,"x",null,true,[{}],{}]`, `not_object!1 | not_object!"x" | not_object!null | not_object!true | not_object![{}] | {}`},
		{"batch", `{"events":[{"a":1},2]}`, `{"a":1} | not_object!2`},
		{"batch with more", `{"x":[1],"events":[{}],"events2":{}}`, `{}`},
		{"batch by escape", `{"\u0065vents":[{"a":1}]}`, `{"a":1}`},
		{"event with events", `{"events":[{}],"name":"n"}`, `{"events":[{}],"name":"n"}`},
		{"event with events last", `{"category":1,"events":[{}]}`, `{"category":1,"events":[{}]}`},
		{"event with many events", `{"events":[` + strings.Repeat("1,", 50) + `1],"session_id":1}`, `{"events":[` + strings.Repeat("1,", 50) + `1],"session_id":1}`},
		{"byte order mark", "\ufeff [{\"a\":1}]", `{"a":1}`},
		{"byte order mark before lines", "\ufeff{\"a\":1}\n{\"b\":2}", `{"a":1} | {"b":2}`},
		{"wrappers in a list", `[{"event":{}},{"a":{"category":1}},{"name":"n","event":{}}]`, `{"event":{}} | {"a":{"category":1}} | {"name":"n","event":{}}`},
		{"lines", "{\"a\":1}\n{\"b\":2}", `{"a":1} | {"b":2}`},
		{"lines, blank and CRLF", "\r\n{\"a\":1}\r\n\r\n  \n {\"b\":2}\r\n\n", `{"a":1} | {"b":2}`},
		{"lines, one broken", "{\"a\":1}\n{\"b\":\n{}", `{"a":1} | invalid_json!{"b": | {}`},
		{"lines, other values", "{}\n1\n[{}]\nnul\n{}{}\n{} x", `{} | not_object!1 | not_object![{}] | invalid_json!nul | invalid_json!{}{} | invalid_json!{} x`},
		{"lines, too deep", "{}\n" + strings.Repeat("[", 10_500), `{} | too_deep!` + strings.Repeat("[", 10_500)},
		{"faults within", "[{\"a\":1,\"a\":2},{\"a\":\"\xff\"},{\"a\":\"\\ud800\"},{\"a\":1e999}]", "{\"a\":1,\"a\":2} | {\"a\":\"\xff\"} | {\"a\":\"\\ud800\"} | {\"a\":1e999}"},
		{"faults in one", "{\"a\":1,\"a\":\"\xff\"}", "{\"a\":1,\"a\":\"\xff\"}"},
		{"comma in a string", `[{"a":"],["},{"b":"}\"\\"}]`, `{"a":"],["} | {"b":"}\"\\"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := native.Split([]byte(c.body), false, 20)
			if err != nil || formatBatch(b) != c.want {
				t.Fatalf("%v\ngot  %s\nwant %s", err, formatBatch(b), c.want)
			}
		})
	}
}

// With the content type of NDJSON a body is lines unless it is one value.
func TestSplitReadsLinesOfNDJSON(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1}`:                      `{"a":1}`,
		"{\n\"a\":1\n}":                "{\n\"a\":1\n}",
		`[{},{}]`:                      `{} | {}`,
		`{"events":[{}]}`:              `{}`,
		"{\"a\":\n{}\n":                `invalid_json!{"a": | {}`,
		"x\n{}":                        `invalid_json!x | {}`,
		"1\n{}":                        `not_object!1 | {}`,
		"[{}]\n{}":                     `not_object![{}] | {}`,
		"{}{}\n{}":                     `invalid_json!{}{} | {}`,
		`{"a":`:                        `invalid_json!{"a":`,
		"{\"a\":\"x\ty\"}\n{}":         "invalid_json!{\"a\":\"x\ty\"} | {}",
		"{\"events\":[{},{}]}\n{}\r\n": `{"events":[{},{}]} | {}`,
	} {
		b, err := native.Split([]byte(body), true, 20)
		if err != nil || formatBatch(b) != want {
			t.Errorf("%q: %v\ngot  %s\nwant %s", body, err, formatBatch(b), want)
		}
	}
}

func TestSplitRejectsEmptyAndOversizedBodies(t *testing.T) {
	for body, want := range map[string]error{
		"":                                event.ErrEmptyBody,
		" \r\n\t":                         event.ErrEmptyBody,
		"null":                            event.ErrNotEvents,
		"1":                               event.ErrNotEvents,
		`"x"`:                             event.ErrNotEvents,
		"false":                           event.ErrNotEvents,
		"[]":                              event.ErrEmptyBatch,
		" [ ] ":                           event.ErrEmptyBatch,
		`{"events":[]}`:                   event.ErrEmptyBatch,
		"[{},{},{},{}]":                   event.ErrTooManyEvents,
		"[1,1,1,1]":                       event.ErrTooManyEvents,
		`{"events":[{},{},{},{}]}`:        event.ErrTooManyEvents,
		"{}\n{}\n{}\n{}":                  event.ErrTooManyEvents,
		"{}\nx\nx\nx":                     event.ErrTooManyEvents,
		"[" + strings.Repeat("{},", 9999): event.ErrTooManyEvents, // not read to its end
	} {
		for _, ndjson := range []bool{false, true} {
			if b, err := native.Split([]byte(body), ndjson, 3); !errors.Is(err, want) || b.Items != nil {
				t.Errorf("%.40q: %v, %s; want %v", body, err, formatBatch(b), want)
			}
		}
	}
}

func TestSplitReportsSyntaxErrors(t *testing.T) {
	for body, offset := range map[string]int64{
		`{} garbage`: 3, `{}{}`: 2, "{}{}\n{}": 2, `{"a":1`: 6, `[{},`: 4, `[{}`: 3, `{} // x`: 3, `/**/{}`: 0,
		`{"a":1,}`: 6, `[{},]`: 3, `[NaN]`: 1, `[01]`: 2, `[+1]`: 1, "\ufeff{} x": 6, "\ufeff\ufeff{}": 3, "\xff\xfe{\x00}\x00": 0,
		"{\x00}\x00": 0, "\x00{\x00}": 0, "x\n{}": 0, "{\n}\n{\n}": 4, "[{}]\n[{}]": 5, "1 2": 2, `[1}`: 2,
		"{}\r{}": 3, `{"events":[{}],"events":[{}]}`: 0, `{1:1}`: 1, `{"a":"\x"}`: 6,
		strings.Repeat("[", 1<<20): 10_000, strings.Repeat(`{"a":`, 1<<18): 50_000,
	} {
		b, err := native.Split([]byte(body), false, 100)
		var syntax *event.SyntaxError
		if !errors.As(err, &syntax) || b.Items != nil {
			t.Errorf("%.40q: %v, %s", body, err, formatBatch(b))
			continue
		}
		if syntax.Offset != offset || len(err.Error()) > 250 {
			t.Errorf("%.40q: %v; want offset %d", body, err, offset)
		}
	}
}

func TestSplitLeavesFaultyEventsToInspect(t *testing.T) {
	for name, raw := range corpus(t, "reject") {
		b, err := native.Split(raw, false, 1000)
		isSyntax := strings.HasPrefix(name, "invalid_json-") && name != "invalid_json-two_lines" && name != "invalid_json-bom"
		if wrapper := new(event.WrapperError); errors.As(err, &wrapper) {
			continue // its limits are not looked at
		}
		if isSyntax && err == nil {
			t.Errorf("%s: split into %s", name, formatBatch(b))
		}
		if code, _, _ := strings.Cut(name, "-"); !isSyntax && err != nil && code != event.CodeNotObject && name != "too_deep-deep_10500" {
			t.Errorf("%s: %v, although only the event is bad", name, err)
		}
	}
}

func TestSplitReturnsSentAt(t *testing.T) {
	for body, want := range map[string]string{
		`{"sent_at":"2021-01-01T00:00:00Z","events":[{}]}`:                "2021-01-01T00:00:00Z",
		`{"events":[{}],"sent_at":"yesterday"}`:                           "yesterday",
		`{"events":[{}],"sent_at":1609492527}`:                            "1609492527",
		`{"events":[{}],"sent_at":{}}`:                                    "",
		`{"events":[{}],"sent_at":"a\r\nX: y"}`:                           "",
		`{"events":[{}],"sent_at":"é"}`:                                   "",
		`{"events":[{}],"sent_at":"` + strings.Repeat("x", 65) + `"}`:     "",
		`{"sent_at":"2021-01-01T00:00:00Z","name":"n"}`:                   "",
		`[{"sent_at":"2021-01-01T00:00:00Z"}]`:                            "",
		`{"events":[{"sent_at":"2021-01-01T00:00:00Z"}],"sent_at":"now"}`: "now",
	} {
		if b, err := native.Split([]byte(body), false, 10); err != nil || b.SentAt != want {
			t.Errorf("%s: %q, %v; want %q", body, b.SentAt, err, want)
		}
	}
}

// Items alias the body, and appending to one cannot overwrite the next.
func TestSplitAliasesTheBody(t *testing.T) {
	for _, body := range []string{`[{"a":1},{"b":2}]`, `{"events":[{"a":1},{"b":2}]}`, "{\"a\":1}\n{\"b\":2}"} {
		text := []byte(body)
		b, err := native.Split(text, false, 10)
		if err != nil {
			t.Fatal(err)
		}
		_ = append(b.Items[0].Raw, "zzzz"...)
		if string(text) != body {
			t.Errorf("%s became %s", body, text)
		}
		text[strings.IndexByte(body, '1')] = '7'
		if string(b.Items[0].Raw) != `{"a":7}` {
			t.Errorf("%s does not alias the body", b.Items[0].Raw)
		}
	}
}

// Split returns the same events from every form of a body.
func TestSplitIsTheInverseOfJoining(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return draw(t, "event", 3).render(t, rapid.Bool().Draw(t, "plain"))
		}), 1, 20).Draw(t, "events")
		oneLine := func(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
		lines := make([]string, len(events))
		for i := range events {
			lines[i] = strings.TrimSpace(oneLine(events[i]))
			events[i] = strings.TrimSpace(events[i])
		}
		check := func(body string, want []string, ndjson bool) {
			b, err := native.Split([]byte(body), ndjson, 20)
			if err != nil {
				t.Fatalf("%q: %v", body, err)
			}
			var got []string
			for _, item := range b.Items {
				if (item.Refusal != nil) != (item.Raw[0] != '{') {
					t.Fatalf("%s: %v", item.Raw, item.Refusal)
				}
				got = append(got, string(item.Raw))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q:\n%s", body, diff)
			}
		}
		check("["+strings.Join(events, ",")+"]", events, false)
		check(`{"sent_at":1,"events": [ `+strings.Join(events, " , ")+" ]}\n", events, true)
		check("{}\n"+strings.Join(lines[1:], "\r\n\n"), append([]string{"{}"}, lines[1:]...), false)
	})
}
