package snowplow_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign/foreigntest"
	"github.com/theeye/theeye/shared/format/snowplow"
)

func TestWire(t *testing.T) { foreigntest.CheckWire(t, format.Snowplow, 7) }

func decode(t *testing.T, raw string, change ...func(*event.Receipt)) *event.Event {
	t.Helper()
	return foreigntest.Decode(t, format.Snowplow, raw, change...)
}

// A tracker sends an event again with another stm; it is the same event.
func TestRetriesAreTheSameEvent(t *testing.T) {
	first := decode(t, `{"e":"pv","eid":"560A3961-95f4-459d-8b60-122a8ccbed45","dtm":"1778051288000","stm":"1778051288001","uid":"u"}`)
	again := decode(t, `{"stm":"1778051299999","e":"pv","eid":"560a3961-95f4-459d-8b60-122a8ccbed45","dtm":"1778051288000","uid":"u"}`)
	if first.EventID != "560a3961-95f4-459d-8b60-122a8ccbed45" || first.EventID != again.EventID || first.ContentHash != again.ContentHash {
		t.Errorf("%+v became %+v", first, again)
	}
	other := decode(t, `{"e":"pv","eid":"560a3961-95f4-459d-8b60-122a8ccbed45","dtm":"1778051288001","uid":"u"}`)
	if other.ContentHash == first.ContentHash {
		t.Error("another event has the same content")
	}
	text := decode(t, `{"e":"pv","eid":"not a UUID","uid":"u"}`)
	if _, isUUID := event.ParseUUID(text.EventID); !isUUID || !text.Derived || !strings.Contains(string(text.Data), `"eid":"not a UUID"`) {
		t.Errorf("%+v %s", text, text.Data)
	}
}

// Only the clock of the tracker is that of stm: ttm is the time that the site knows.
func TestTimes(t *testing.T) {
	for raw, want := range map[string][2]string{
		`{"e":"pv","dtm":"1778051288000","stm":"1778051288057"}`:              {"2026-05-06T07:08:08.000000Z", "2026-05-06T07:08:08.057000Z"},
		`{"e":"pv","dtm":1778051288000,"stm":1778051288057}`:                  {"2026-05-06T07:08:08.000000Z", "2026-05-06T07:08:08.057000Z"},
		`{"e":"pv","ttm":"1000","dtm":"1778051288000","stm":"1778051288057"}`: {"1970-01-01T00:00:01.000000Z", ""},
		`{"e":"pv","stm":"1778051288057"}`:                                    {"2026-05-06T07:08:09.123456Z", ""},
		`{"e":"pv","dtm":"253402300799999"}`:                                  {"9999-12-31T23:59:59.999000Z", ""},
		`{"e":"pv","dtm":"253402300800000"}`:                                  {"0001-01-01T00:00:00.000000Z", ""},
		`{"e":"pv","ttm":"soon","dtm":"1778051288000"}`:                       {"0001-01-01T00:00:00.000000Z", ""},
		`{"e":"pv","dtm":"-1"}`:                                               {"0001-01-01T00:00:00.000000Z", ""},
		`{"e":"pv","dtm":"` + strings.Repeat("9", 400) + `"}`:                 {"0001-01-01T00:00:00.000000Z", ""},
	} {
		e := decode(t, raw)
		if got := [2]string{event.FormatTime(e.Timestamp), e.SentAt}; got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

// clientSession returns the parameter co with an entity client_session.
func clientSession(data string) string {
	return `"co":` + strconv.Quote(`{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1","data":[{"schema":"iglu:com.acme/user/jsonschema/1-0-0","data":{"sessionId":"x"}},`+
		`{"schema":"iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2","data":`+data+`}]}`)
}

func TestSessions(t *testing.T) {
	session := func(raw string, change ...func(*event.Receipt)) string { return decode(t, raw, change...).SessionID }
	const id, null = "e2085be5-9137-4e4e-80b5-f1ffddc25423", "00000000-0000-0000-0000-000000000000"
	for raw, want := range map[string]string{
		`{"e":"pv","sid":"E2085BE5-9137-4E4E-80B5-F1FFDDC25423","duid":"d"}`:      id,
		`{"e":"pv",` + clientSession(`{"sessionId":"`+id+`","userId":"u"}`) + `}`: id,
		`{"e":"pv"}`: "",
		`{"e":"pv","sid":{},` + clientSession(`{"sessionId":"`+id+`","userId":"u"}`) + `}`: id,
		`{"e":"pv","duid":"` + null + `",` + clientSession(`{"userId":"`+null+`"}`) + `}`:  "",
	} {
		if got := session(raw); got != want {
			t.Errorf("%s: session %q, want %q", raw, got, want)
		}
	}
	required := func(r *event.Receipt) { r.MissingSession = event.SessionRequired }
	if got := session(`{"e":"pv","duid":"d"}`, required); got != "" {
		t.Errorf("session %q though one is required", got)
	}
	if got := session(`{"e":"pv","sid":"s","duid":"d"}`, required); got == "" {
		t.Error("a session that is sent is not taken")
	}
	seen := map[string]string{}
	for _, raw := range []string{
		`{"e":"pv","duid":"d"}`, `{"e":"pv","tnuid":"d"}`, `{"e":"pv","nuid":"d"}`, `{"e":"pv","uid":"d"}`, `{"e":"pv","tna":"d"}`,
		`{"e":"pv",` + clientSession(`{"userId":"d"}`) + `}`, `{"e":"pv","duid":"d","sid":"s"}`, `{"e":"pv","duid":"e","sid":"s"}`,
	} {
		id := session(raw)
		if id == "" || seen[id] != "" {
			t.Errorf("%s has the session %q of %s", raw, id, seen[id])
		}
		seen[id] = raw
	}
	for same, as := range map[string]string{
		`{"e":"pv","duid":"d","uid":"u","tna":"n"}`: `{"e":"pv","duid":"d"}`, `{"e":"pv","uid":"d","tna":"n"}`: `{"e":"pv","uid":"d"}`,
	} {
		if session(same) != session(as) {
			t.Errorf("%s has another session than %s", same, as)
		}
	}
}

const bookingEvent = `{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":{"schema":"iglu:com.acme/booking/jsonschema/1-0-0","data":{"price":1.50,"to":"Zürich>?"}}}`

// An event is the same whether its tracker encodes it or not, and in which alphabet.
func TestEncodingsOfJSON(t *testing.T) {
	const want = `{"e":"ue","unstruct_event":{"schema":"iglu:com.acme/booking/jsonschema/1-0-0","data":{"price":1.5,"to":"Zürich>?"}},"tna":"n"}`
	std := base64.StdEncoding.EncodeToString([]byte(bookingEvent))
	if !strings.ContainsAny(std, "+/") || !strings.Contains(std, "=") {
		t.Fatalf("%s does not tell the alphabets from each other", std)
	}
	for _, parameter := range []string{
		`"ue_pr":` + strconv.Quote(bookingEvent), `"ue_pr":` + bookingEvent, `"ue_px":"` + std + `"`,
		`"ue_px":"` + strings.ReplaceAll(std, "+", " ") + `"`,
		`"ue_px":"` + base64.URLEncoding.EncodeToString([]byte(bookingEvent)) + `"`,
		`"ue_px":"` + base64.RawURLEncoding.EncodeToString([]byte(bookingEvent)) + `"`,
	} {
		e := decode(t, `{"e":"ue",`+parameter+`,"tna":"n"}`)
		if e.Category != "com.acme" || e.Name != "booking" || string(e.Data) != want || len(e.Faults) > 0 {
			t.Errorf("%s: %s", parameter, foreigntest.Describe(e))
		}
	}
}

// What would nest deeper, or have more values, than an event may is refused, whether it
// does so as it was sent or as it is decoded.
func TestDecodedJSONHasTheLimitsOfAnEvent(t *testing.T) {
	for _, inner := range []string{
		strings.Repeat("[", 31) + strings.Repeat("]", 31), "[" + strings.Repeat("1,", 9_999) + "1]", `{"a":1,"a":2}`, "1e999",
	} {
		text := strings.Replace(bookingEvent, "1.50", inner, 1)
		raw := `{"e":"ue","tna":"n","ue_px":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}`
		e := foreigntest.Check(t, format.Snowplow, []byte(raw), foreigntest.Receipt())
		if e != nil && len(e.Faults) == 0 {
			t.Errorf("%.80s is accepted", inner)
		}
	}
}

// A write key in an application id authenticates, and is in no item.
func TestKeysAreFoundAndLeftOut(t *testing.T) {
	post := foreigntest.Request(http.MethodPost, "/com.snowplowanalytics.snowplow/tp2")
	for body, want := range map[string][]string{
		`{"data":[{"e":"pv","aid":"k"},{"aid":"l"}]}`:                      {"k"},
		`{"data":[{"e":"pv"},{"aid":"l"}]}`:                                nil,
		`{"data":[17]}`:                                                    nil,
		`{"data":{"aid":"k"}}`:                                             nil,
		`{"data":[{` + strings.Repeat(`"aid":"k",`, 1000) + `"aid":"l"}]}`: {"k", "k"},
		`{"data":[{"aid":`:                                                 nil,
		``:                                                                 nil,
	} {
		if diff := cmp.Diff(want, snowplow.Keys(post, []byte(body))); diff != "" {
			t.Errorf("%s:\n%s", body, diff)
		}
	}
	if diff := cmp.Diff([]string{"k"}, snowplow.Keys(foreigntest.Request(http.MethodGet, "/i?e=pv&aid=k"), nil)); diff != "" {
		t.Error(diff)
	}
	b, err := format.Snowplow.Split(post, []byte(`{"data":[{"e":"pv", "aid":"k","uid":"u"}, {"aid":"shop", "e":"pv"},17,{"aid":"k","aid":"k"},"aid",{"a\u0069d":"k"},{"aid":"\u006b"}]}`), 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range snowplow.WithoutKeys(b.Items, func(secret string) bool { return secret == "k" }) {
		got = append(got, string(item.Raw))
	}
	if diff := cmp.Diff([]string{`{"e":"pv","uid":"u"}`, `{"aid":"shop", "e":"pv"}`, "17", "{}", `"aid"`, "{}", "{}"}, got); diff != "" {
		t.Error(diff)
	}
}

// Of two lists in one body the events of one would be lost: the body is kept whole.
func TestABodyHasOneList(t *testing.T) {
	post := foreigntest.Request(http.MethodPost, "/com.snowplowanalytics.snowplow/tp2")
	for _, body := range []string{`{"data":[{"e":"pv"}],"data":[{"e":"pp"}]}`, `{"data":[{"e":"pv"}],"d\u0061ta":7}`} {
		b, err := format.Snowplow.Split(post, []byte(body), 10)
		if err != nil || len(b.Items) != 1 || string(b.Items[0].Raw) != body {
			t.Errorf("%s: %s, %v", body, b.Items, err)
		}
	}
}

func TestSplitBounds(t *testing.T) {
	post := foreigntest.Request(http.MethodPost, "/com.snowplowanalytics.snowplow/tp2")
	for body, want := range map[string]error{
		"": event.ErrEmptyBatch, `{"data":[]}`: event.ErrEmptyBatch,
		`{"data":[` + strings.Repeat("{},", 10) + `{}]}`: event.ErrTooManyEvents,
	} {
		if _, err := format.Snowplow.Split(post, []byte(body), 10); err != want { //nolint:errorlint // as it is
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"e":"ue","ue_pr":"{\"schema\":\"iglu:com.snowplowanalytics.snowplow/unstruct_event/a/1\",\"data\":{\"schema\":\"iglu:a/b/c/d\",\"data\":\"\\ud800\"}}","eid":"é"}`))
	f.Add([]byte(`{"e":"se","se_ca":{},"se_ac":"a\ud800","se_va":"1e400","ttm":"1","stm":5,` + clientSession(`{"sessionId":5,"userId":[]}`) + `}`))
	f.Add([]byte(fmt.Sprintf(`{"e":"pv","cx":%q,"unstruct_event":1,"sid":1.50}`, base64.StdEncoding.EncodeToString([]byte(bookingEvent)))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		foreigntest.Check(t, format.Snowplow, raw, foreigntest.Receipt())
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("POST", "", []byte(`{"data":[{"e":"pv","aid":"k"},5,"aid",{"aid":"k","a":{"b":[,]}}],"schema":"x"}`))
	f.Add("GET", "e=pv&aid=k&%zz=%E9&&=&write_key=k;a", []byte(nil))
	f.Add("POST", "aid=k", []byte("\uFEFF{\"aid\":\"k\",\"\xff\":1}"))
	f.Fuzz(func(t *testing.T, method, query string, body []byte) {
		r := foreigntest.Request(http.MethodPost, "/i")
		r.Method, r.URL.RawQuery = method, query
		_, b, err := foreigntest.CheckSplit(t, format.Snowplow, r, body)
		snowplow.Keys(r, body)
		if err != nil {
			return
		}
		for _, item := range snowplow.WithoutKeys(b.Items, func(secret string) bool { return secret == "k" }) {
			foreigntest.Check(t, format.Snowplow, item.Raw, foreigntest.Receipt())
		}
	})
}
