package native_test

import (
	"bytes"
	stdjson "encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// fataler is the part of testing.TB that checks need; *rapid.T implements it.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// corpus returns the files of one list under testdata by their names.
func corpus(tb testing.TB, list string) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", list, "*.json"))
	if err != nil || len(paths) < 40 {
		tb.Fatalf("list %s: %d files, %v", list, len(paths), err)
	}
	files := make(map[string][]byte, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = text
	}
	return files
}

func TestAcceptsTheAcceptList(t *testing.T) {
	for name, raw := range corpus(t, "accept") {
		t.Run(name, func(t *testing.T) {
			e := decodeChecked(t, raw)
			if e == nil {
				t.Fatal("refused")
			}
			sameAsStandardLibrary(t, raw, e)
		})
	}
}

// sameAsStandardLibrary compares the decoded tree with that of encoding/json.
func sameAsStandardLibrary(t *testing.T, raw []byte, e *event.Event) {
	t.Helper()
	var want map[string]any
	dec := stdjson.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatalf("the standard library refuses: %v", err)
	}
	data, isObject := want["data"].(map[string]any)
	if isObject != (e.Tree != nil) {
		t.Fatalf("Tree is %v", e.Tree)
	}
	// Not cmp.Diff: its time doubles with every level of nesting.
	if isObject && !reflect.DeepEqual(data, e.Tree) {
		t.Fatalf("Tree is %v, want %v", e.Tree, data)
	}
}

// The files of this list are named <code>-<description>.json.
func TestRefusesTheRejectList(t *testing.T) {
	for name, raw := range corpus(t, "reject") {
		t.Run(name, func(t *testing.T) {
			want, _, _ := strings.Cut(name, "-")
			if e := decodeChecked(t, raw); e != nil {
				t.Fatal("carried")
			}
			_, r := native.Inspect(raw)
			if r.Code != want {
				t.Fatalf("got %v, want %s", r, want)
			}
			if len(r.Message) > 300 || strings.ContainsAny(r.Message, "\x00\x1b\r\n") {
				t.Fatalf("message %q", r.Message)
			}
		})
	}
}

// decodeChecked decodes raw and checks the properties of all bytes: Inspect and
// Decode agree, the decoded event is within its contract, and decoding its Data
// again changes nothing. It returns nil when the event is refused.
func decodeChecked(tb fataler, raw []byte) *event.Event {
	tb.Helper()
	before := bytes.Clone(raw)
	h, r := native.Inspect(raw)
	e, r2 := native.Decode(raw)
	identified, hash, r3 := native.Identify(raw)
	if diff := cmp.Diff(r2, r3); diff != "" || r3 != nil && identified != (event.Head{}) || e != nil && (identified != e.Head || hash != e.ContentHash) {
		tb.Fatalf("Identify and Decode disagree: %+v, %s, %v, and %+v, %v", identified, hash, r3, e, r2)
	}
	if !bytes.Equal(before, raw) {
		tb.Fatal("the bytes were changed")
	}
	wrapper := r != nil && r.Code == event.CodeNotAnEvent
	if wrapper { // which earlier versions accepted
		if r2 != nil || h != (event.Head{}) || !isRejected(e, "invalid_session_id", "invalid_category", "invalid_name") {
			tb.Fatalf("not decoded: %v, %+v", r2, e)
		}
		h, r = e.Head, nil
	}
	if diff := cmp.Diff(r, r2); diff != "" {
		tb.Fatalf("Inspect and Decode disagree:\n%s", diff)
	}
	if r != nil {
		if e != nil || h != (event.Head{}) {
			tb.Fatal("refused and decoded")
		}
		return nil
	}
	if h != e.Head {
		tb.Fatalf("heads differ: %+v, %+v", h, e.Head)
	}
	if h.EventID == "" || len(e.ContentHash) != 32 {
		tb.Fatalf("no identity: %+v", e)
	}
	if (e.Data == nil) != (e.Tree == nil || textFaultsIn(e, "/data")) {
		tb.Fatal("Data and Tree differ")
	}
	if e.Data != nil {
		checkNormalised(tb, e.Data)
	}
	return e
}

// isRejected reports whether the faults of an event have all of the codes.
func isRejected(e *event.Event, codes ...string) bool {
	for _, code := range codes {
		if !hasFault(e, code) {
			return false
		}
	}
	return true
}

// textFaultsIn reports whether text below a path, or beyond the faults that have
// one, cannot be kept.
func textFaultsIn(e *event.Event, path string) bool {
	return slices.ContainsFunc(e.Faults, func(f event.Fault) bool {
		return f.Code == event.CodeInvalidText && (f.Path == "" || strings.HasPrefix(f.Path, path))
	})
}

// checkNormalised checks that data is in the form that both stores keep: decoding
// it again gives the same bytes.
func checkNormalised(tb fataler, data []byte) {
	tb.Helper()
	again, r := native.Decode([]byte(`{"data":` + string(data) + `}`))
	if r != nil {
		if r.Code == event.CodeTooLarge { // escapes can make it longer
			return
		}
		tb.Fatalf("Data is refused: %v", r)
	}
	if !bytes.Equal(again.Data, data) {
		tb.Fatalf("Data changes when decoded again:\n%s\n%s", data, again.Data)
	}
}
