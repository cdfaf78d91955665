package native_test

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"testing"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

func seedCorpus(f *testing.F) {
	f.Add([]byte(sample))
	for _, list := range []string{"accept", "reject"} {
		for _, raw := range corpus(f, list) {
			if len(raw) < 4096 {
				f.Add(raw)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		e := decodeChecked(t, raw)
		if len(raw) > 8<<10 {
			return // the standard library stops at 10,000 levels
		}
		valid := stdjson.Valid(raw)
		_, r := native.Inspect(raw)
		if (r != nil && r.Code == event.CodeInvalidJSON) == valid {
			t.Fatalf("the standard library says %t, Inspect %v", valid, r)
		}
		if e == nil {
			return
		}
		sameAsStandardLibrary(t, raw, e)
		again, r := native.Decode(bytes.Join([][]byte{[]byte(" "), raw, []byte("\n")}, nil))
		if r != nil || again.ContentHash != e.ContentHash || again.EventID != e.EventID {
			t.Fatalf("white space changes %+v to %+v, %v", e, again, r)
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"[{},{}]", "{}\n{}\r\n\nx", `{"events":[{}],"sent_at":"now"}`, "{}{}", "\ufeff{}", "[[1]]", "{}\r{}"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	for _, raw := range corpus(f, "reject") {
		if len(raw) < 4096 {
			f.Add(raw, false)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, ndjson bool) {
		before := bytes.Clone(body)
		b, err := native.Split(body, ndjson, 50)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		checkBatch(t, body, ndjson, b, err)
	})
}

// checkBatch checks the properties of every body.
func checkBatch(t *testing.T, body []byte, ndjson bool, b event.Batch, err error) {
	t.Helper()
	var syntax *event.SyntaxError
	if err != nil {
		if len(b.Items) != 0 || errors.As(err, &syntax) && (syntax.Offset < 0 || syntax.Offset > int64(len(body))) {
			t.Fatalf("%v with %d items", err, len(b.Items))
		}
		return
	}
	if len(b.Items) == 0 || len(b.Items) > 50 {
		t.Fatalf("%d items", len(b.Items))
	}
	whole := stdjson.Valid(body)
	rest := body
	for _, item := range b.Items {
		at := bytes.Index(rest, item.Raw)
		if at < 0 || len(item.Raw) == 0 {
			t.Fatalf("%q does not stand in the body, or not in order", item.Raw)
		}
		rest = rest[at+len(item.Raw):]
		_, r := native.Inspect(item.Raw)
		switch {
		case item.Refusal != nil && (r == nil || r.Code != item.Refusal.Code):
			t.Fatalf("%q: Split says %v, Inspect %v", item.Raw, item.Refusal, r)
		case item.Refusal == nil && r != nil && (r.Code == event.CodeInvalidJSON || r.Code == event.CodeNotObject):
			t.Fatalf("%q: Split lets it pass, Inspect says %v", item.Raw, r)
		case whole && item.Refusal != nil && item.Refusal.Code == event.CodeInvalidJSON:
			t.Fatalf("%q is broken in a body that is one value", item.Raw)
		}
	}
}
