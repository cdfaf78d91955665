package queryapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

func TestIfMatch(t *testing.T) {
	for value, want := range map[string]precondition{
		`"12"`: {12, true}, "12": {12, true}, ` "0" `: {0, true}, "*": {registry.AnyPresent, true}, "9223372036854775807": {1<<63 - 1, true},
	} {
		got, err := ifMatch(http.Header{"If-Match": {value}})
		if got != want || err != nil {
			t.Errorf("%q: %+v, %v", value, got, err)
		}
	}
	none, err := ifMatch(http.Header{})
	if none.given || none.match != 0 || err != nil || none.orAny() != registry.Any {
		t.Errorf("%+v, %v", none, err)
	}
	if some := (precondition{match: 3, given: true}); some.orAny() != 3 {
		t.Errorf("%d", some.orAny())
	}
}

// slow is a body that does not arrive.
type slow struct{ err error }

func (s slow) Read([]byte) (int, error) { return 0, s.err }

func TestBodyThatDoesNotArrive(t *testing.T) {
	for want, cause := range map[int]error{408: os.ErrDeadlineExceeded, 400: errors.New("reset")} {
		r := httptest.NewRequest(http.MethodPut, "/", slow{cause})
		_, err := readBody(httptest.NewRecorder(), r, 10)
		var f *failure
		if !errors.As(err, &f) || f.Status != want {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

// The document of the default policy says what holds without one.
func TestDefaultPolicyIsTheDefault(t *testing.T) {
	got, faults := schema.ParsePolicy([]byte(defaultPolicy))
	if diff := cmp.Diff(schema.DefaultPolicy(), got); diff != "" || len(faults) > 0 {
		t.Errorf("%s %v", diff, faults)
	}
}

// An answer is bounded, whatever is wrong with a declaration.
func TestFaultsAreBounded(t *testing.T) {
	_, faults := schema.ParsePolicy([]byte(`{"` + strings.Join(numbers(5000), `":0,"`) + `":0}`))
	rec := httptest.NewRecorder()
	invalid(faults).Write(rec)
	if n := strings.Count(rec.Body.String(), `"path"`); n != maxShownFaults || !strings.Contains(rec.Body.String(), "5000 faults") {
		t.Errorf("%d faults of %d are listed", n, len(faults))
	}
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return list
}
