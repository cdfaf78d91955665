package native_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

func TestInspectReadsTheHead(t *testing.T) {
	for raw, want := range map[string]event.Head{
		`{"event_id":"a","category":"c","name":"n"}`:        {EventID: "a", Category: "c", Name: "n"},
		`{"event_id":"\u0061","category":"","name":1}`:      {EventID: "a"},
		`{"event_id":"a","CATEGORY":"c","Name":"n"}`:        {EventID: "a"},
		`{"data":{"event_id":"b"},"event_id":"a"}`:          {EventID: "a"},
		`{"event_id":"a","category":"c\u0000\ud83d\ude00"}`: {EventID: "a", Category: "c\x00😀"},
	} {
		if h, r := native.Inspect([]byte(raw)); r != nil || h != want {
			t.Errorf("%s: %+v, %v", raw, h, r)
		}
	}
}

func TestInspectLimitsTheSize(t *testing.T) {
	pad := func(n int) []byte { return []byte(`{"a":"` + strings.Repeat("x", n-8) + `"}`) }
	if e := decodeChecked(t, pad(event.MaxBytes)); e == nil {
		t.Error("the largest event is refused")
	}
	_, r := native.Inspect(pad(event.MaxBytes + 1))
	if r == nil || r.Code != event.CodeTooLarge || r.Message != "the event is 1048577 bytes long; 1048576 are allowed" {
		t.Error(r)
	}
	if _, r = native.Inspect(make([]byte, event.MaxBytes+1)); r == nil || r.Code != event.CodeTooLarge {
		t.Error("the size is not checked first:", r)
	}
}

func TestRefusalsNameFaultAndPosition(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for raw, want := range map[string]string{
		`{"name":"x","data":{"a":` + nest(32) + `}}`:                                "too_deep: data nests 33 levels; 32 are allowed",
		`{"` + strings.Repeat("k", 99) + `":` + nest(33) + `}`:                      "too_deep: a member nests 33 levels; 32 are allowed",
		`{"data":` + nest(20_000) + `}`:                                             "too_deep: data nests more than 9999 levels; 32 are allowed",
		`{"a":1,"a":2}`:                                                             `duplicate_key: the key "a" stands twice in the event`,
		`{"data":{"x":[0,{"b":1,"b":2}]}}`:                                          `duplicate_key: the key "b" stands twice in /data/x/1`,
		`{"` + strings.Repeat("k", 99) + `":1,"` + strings.Repeat("k", 99) + `":1}`: `duplicate_key: the key "` + strings.Repeat("k", 40) + `"… stands twice in the event`,
		`{"data":{"x":[0,{"\ud800":1,"b":2,"b":3}]}}`:                               `duplicate_key: the key "b" stands twice in /data/x/1`,
		`{"\ud800":1,"\uD800":2}`:                                                   `duplicate_key: the key "�" stands twice in the event`,
		`[1]`:                                                                       "not_object: an event is an object, not an array",
		`"x"`:                                                                       "not_object: an event is an object, not a string",
		`-1`:                                                                        "not_object: an event is an object, not a number",
		`null`:                                                                      "not_object: an event is an object, not null",
		`true`:                                                                      "not_object: an event is an object, not a boolean",
		`{"a":tru}`:                                                                 "invalid_json: not valid JSON at byte 8 at /a: invalid character '}' in literal true (expecting 'e')",
		`{"a":{"b":NaN}}`:                                                           "invalid_json: not valid JSON at byte 10 at /a/b: NaN and Infinity are not JSON; send null or a string",
		`{"a":1`:                                                                    "invalid_json: not valid JSON at byte 6: the text ends too early",
		``:                                                                          "invalid_json: not valid JSON at byte 0: the text ends too early",
		`{} {}`:                                                                     "invalid_json: not valid JSON at byte 3: something follows the value",
		`{"a":1e999}`:                                                               "number_out_of_range: the number at /a is over the largest double, 1.7976931348623157e308",
		"{\"a\":\"\xff\"}":                                                          "invalid_text: the text after byte 6, at /a, is not valid UTF-8",
		`{"data":{"n":[1,` + strings.Repeat("7", 79) + `]}}`: "number_out_of_range: the number at /data/n/1 is 79 characters long; 64 are allowed, a longer one can be sent as a string",
		"{\"a\":\"\\ud800\",\"b\":[\"\xff\"]}":               "invalid_text: the text after byte 20 is not valid UTF-8",
	} {
		_, r := native.Inspect([]byte(raw))
		if r == nil || r.Error() != want {
			t.Errorf("%.60s\ngot  %v\nwant %s", raw, r, want)
		}
	}
}

// The cost of hostile bytes is bounded: memory is a few times the body at most, and
// the stack does not grow with the nesting.
func TestHostileBytesCostBoundedMemory(t *testing.T) {
	const mega = 1 << 20
	for name, raw := range map[string]string{
		"arrays":       strings.Repeat("[", mega),
		"objects":      strings.Repeat(`{"a":`, mega/5),
		"in data":      `{"data":` + strings.Repeat("[", mega-8),
		"closed":       `{"data":` + strings.Repeat("[", mega/2-8) + strings.Repeat("]", mega/2-8) + "}",
		"empty values": `{"data":[` + strings.Repeat("{},", 350_000)[:mega-20] + `{}]}`,
		"digits":       `{"data":` + strings.Repeat("9", mega-10) + "}",
		"quotes":       strings.Repeat(`"`, mega),
		"escapes":      `{"data":"` + strings.Repeat(`\u0061`, mega/6-10) + `"}`,
		"keys":         `{` + strings.Repeat(`"k":{},`, mega/7-10) + `"z":1}`,
		"lines":        "{}\n" + strings.Repeat("[\n", mega/2-2),
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(raw)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, r := native.Inspect(body)
			b, err := native.Split(body, false, 1000)
			runtime.ReadMemStats(&after)
			if r == nil && name != "escapes" {
				t.Error("carried")
			}
			if err == nil && len(b.Items) != 1 {
				t.Errorf("split into %d", len(b.Items))
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 16*mega {
				t.Errorf("allocated %d bytes", got)
			}
			if after.StackInuse > before.StackInuse+2*mega {
				t.Errorf("the stack grew by %d bytes", after.StackInuse-before.StackInuse)
			}
		})
	}
}

// Scanners and splitters from the pool keep nothing of earlier bodies.
func TestPooledScannersKeepNoState(t *testing.T) {
	accept, reject := corpus(t, "accept"), corpus(t, "reject")
	wantID := map[string]string{}
	for name, raw := range accept {
		h, _ := native.Inspect(raw)
		wantID[name] = h.EventID
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for name, raw := range reject {
				if e, _ := native.Decode(raw); e != nil {
					t.Errorf("%s is carried", name)
				}
				_, _ = native.Split(raw, true, 10)
			}
			for name, raw := range accept {
				if e, r := native.Decode(raw); r != nil || e.EventID != wantID[name] {
					t.Errorf("%s: %+v, %v", name, e, r)
				}
			}
		})
	}
	wg.Wait()
}
