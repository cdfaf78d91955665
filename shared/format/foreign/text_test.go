package foreign_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/foreign/foreigntest"
)

// Parts of an id are told apart also where they have zero bytes.
func TestPartsOfAnIDAreToldApart(t *testing.T) {
	ids := map[string][]string{}
	for _, parts := range [][]string{{"a", "b"}, {"a\x00b"}, {"a\x00", "b"}, {"a", "\x00b"}, {"a", "", "b"}, {"", "a", "b"}} {
		id := foreign.UUID(foreign.EventNamespace, "shop", parts...)
		if other, ok := ids[id]; ok {
			t.Errorf("%q and %q have one id", other, parts)
		}
		ids[id] = parts
	}
	// The contract.
	if id := foreign.UUID(foreign.EventNamespace, "shop", "a", "b"); id != "10a7d6ca-10f9-50c3-8c9a-d366c92249ec" {
		t.Errorf("id %s", id)
	}
}

func TestPercentDecode(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "%": "%", "%2": "%2", "%20": " ", "%C3%a9": "é", "%E9": "\xe9", "%2520": "%20", "a+b": "a+b",
		"100% Euro%20cotton": "100% Euro cotton", "%%20": "% ", "%zz%41": "%zzA", "%u0041": "%u0041", "50%": "50%",
	} {
		if got := foreign.PercentDecode(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// Different texts stay different, also where they are none.
func TestBrokenTextIsPercentEncoded(t *testing.T) {
	for text, want := range map[string]string{
		"é": `"é"`, "caf\xe9": `"caf%E9"`, "\xff\xfe": `"%FF%FE"`, "\xe2\x82": `"%E2%82"`, "\uFFFD": "\"\uFFFD\"", "\xed\xa0\x80é": `"%ED%A0%80é"`,
	} {
		if got := string(foreign.QuoteText(text)); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}

// An event within the limits as it was sent is refused by no translation, however large
// that is: it is kept with its own id.
func TestTranslationsRefuseNothing(t *testing.T) {
	var members []string
	for i := range 600 {
		members = append(members, fmt.Sprintf(`"k%d":1`, i))
	}
	many := "{" + strings.Join(members, ",") + "}"
	long := `"` + strings.Repeat("x", 600_000) + `"`
	for name, c := range map[string]struct {
		format format.Format
		event  string
	}{
		"a long type":     {format.Segment, `{"type":` + long + `,"anonymousId":"a","messageId":"m","timestamp":"2026-05-06T07:08:08Z"}`},
		"an object":       {format.Segment, `{"type":` + many + `,"anonymousId":"a","messageId":"m","timestamp":"2026-05-06T07:08:08Z"}`},
		"a long category": {format.Snowplow, `{"e":"se","se_ca":` + long + `,"se_ac":"a","eid":"1","duid":"d","dtm":"1778051288000","x":` + long[:400_000] + `"}`},
	} {
		e := foreigntest.Decode(t, c.format, c.event)
		if e.EventID == "" || len(e.Faults) == 0 || e.Timestamp.IsZero() || e.SessionID == "" {
			t.Errorf("%s: event %q of session %q at %v, %d faults", name, e.EventID, e.SessionID, e.Timestamp, len(e.Faults))
		}
	}
}
