package collector

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/stream"
)

// gzipped returns text compressed with gzip.
func gzipped(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

// payloads returns the bodies of all messages in the stream.
func (f *fixture) payloads() []string {
	f.t.Helper()
	var all []string
	for _, m := range f.storedMessages() {
		all = append(all, string(m.Data))
	}
	return all
}

// Events reach the stream with their exact bytes in every form of a body.
func TestCarriesEveryBodyForm(t *testing.T) {
	a, b := string(click("a")), "{ \"event_id\" : \"b\",\n\t\"category\":\"x\" }"
	line := strings.ReplaceAll(b, "\n", " ")
	for name, c := range map[string]struct {
		body    string
		headers []string
		want    []string
	}{
		"one event":                    {a, nil, []string{a}},
		"one event with white space":   {" \r\n" + b + "\n", nil, []string{b}},
		"array":                        {"[" + a + " , " + b + "]", nil, []string{a, b}},
		"batch":                        {`{"events": [` + a + "," + b + `], "sent_at": "2026-01-02T03:04:05Z"}`, nil, []string{a, b}},
		"lines by type":                {a + "\n" + line + "\n", []string{"Content-Type", "application/x-ndjson; charset=utf-8"}, []string{a, line}},
		"lines by the first":           {a + "\n" + line, nil, []string{a, line}},
		"lines with blanks and CRLF":   {"\r\n" + a + "\r\n\r\n \t\r\n" + line + "\r\n", []string{"Content-Type", "application/x-ndjson"}, []string{a, line}},
		"text/plain of a beacon":       {a, []string{"Content-Type", "text/plain;charset=UTF-8"}, []string{a}},
		"no content type":              {a, []string{"Content-Type", "-"}, []string{a}},
		"form content type":            {a, []string{"Content-Type", "application/x-www-form-urlencoded"}, []string{a}},
		"unreadable content type":      {a, []string{"Content-Type", ";;;"}, []string{a}},
		"gzip by header":               {string(gzipped([]byte(a))), []string{"Content-Encoding", "gzip"}, []string{a}},
		"gzip by its bytes":            {string(gzipped([]byte(a))), nil, []string{a}},
		"gzip in two parts":            {string(gzipped([]byte("["+a))) + string(gzipped([]byte(","+b+"]"))), []string{"Content-Encoding", "GZIP"}, []string{a, b}},
		"gzip named, not compressed":   {a, []string{"Content-Encoding", "gzip"}, []string{a}},
		"gzip named over lines":        {"\ufeff" + a + "\n" + line, []string{"Content-Encoding", "x-gzip"}, []string{a, line}},
		"br named, not compressed":     {"\n [" + a + "]", []string{"Content-Encoding", "br"}, []string{a}},
		"deflate named over gzip":      {string(gzipped([]byte(a))), []string{"Content-Encoding", "deflate, gzip"}, []string{a}},
		"byte order mark":              {"\ufeff" + a, nil, []string{a}},
		"byte order mark in gzip":      {string(gzipped([]byte("\ufeff[" + a + "]"))), nil, []string{a}},
		"half of a surrogate pair":     {`[{"data": {"t": "cut \ud83d"}}, ` + a + `]`, nil, []string{`{"data": {"t": "cut \ud83d"}}`, a}},
		"identity":                     {a, []string{"Content-Encoding", "identity"}, []string{a}},
		"application in the body":      {`{"application": "other", "category": "c"}`, nil, []string{`{"application": "other", "category": "c"}`}},
		"one broken line of several":   {a + "\n{broken\n" + line + "\n", nil, []string{a, line}},
		"a batch's events are no type": {`{"events": [` + a + `], "name": "n"}`, nil, []string{`{"events": [` + a + `], "name": "n"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			r := f.send(api.PathEvents, []byte(c.body), c.headers...)
			if r.status != http.StatusAccepted || r.Accepted != len(c.want) {
				t.Errorf("answer %d %s", r.status, r.text)
			}
			if diff := cmp.Diff(c.want, f.payloads()); diff != "" {
				t.Errorf("stream (-want +got):\n%s", diff)
			}
			for _, m := range f.storedMessages() {
				if got := m.Header.Get(stream.HeaderApplication); got != "shop" {
					t.Errorf("application %q", got)
				}
			}
		})
	}
}

// The headers of a message say what the collector knows; its subject names the
// type only if the registry knows the type.
func TestStampsMessages(t *testing.T) {
	f := newFixture(t)
	before := time.Now()
	body := `{"sent_at": "2026-01-02T03:04:05Z", "events": [` + string(click("known")) +
		`, {"category": "page interaction", "name": "unheard of"}, {"event_id": "*.> \r\n", "category": 7}]}`
	r := f.send(api.PathEvents, []byte(body))
	after := time.Now()
	if r.Accepted != 3 {
		t.Fatalf("answer %s", r.text)
	}
	subjects := []string{"events.shop.page=20interaction.cta=20click", "events.shop.unregistered", "events.shop.unregistered"}
	derived := []string{"", r.Results[1].EventID, ""}
	for i, raw := range f.storedMessages() {
		m, err := stream.Parse(raw.Header, raw.Data)
		f.noError(err)
		if raw.Subject != subjects[i] {
			t.Errorf("subject %q, want %q", raw.Subject, subjects[i])
		}
		if m.ReceivedAt.Before(before) || m.ReceivedAt.After(after) {
			t.Errorf("received at %s, not between %s and %s", m.ReceivedAt, before, after)
		}
		want := stream.Message{
			Application: "shop", DerivedID: derived[i], ReceivedAt: m.ReceivedAt,
			SentAt: "2026-01-02T03:04:05Z", Format: native.Name, Payload: raw.Data,
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("message %d (-want +got):\n%s", i, diff)
		}
	}
	ids := []string{r.Results[0].EventID, r.Results[2].EventID}
	if diff := cmp.Diff([]string{"known", "*.> \r\n"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// Text that a client chose freely must not get into the header of a message.
func TestSentAtCannotInjectHeaders(t *testing.T) {
	f := newFixture(t)
	for _, sentAt := range []string{`"a\r\nEye-Application: other"`, `"` + strings.Repeat("1", 65) + `"`, `{"x": 1}`, `"\u0000"`, `"é"`} {
		if r := f.send(api.PathEvents, []byte(`{"sent_at": `+sentAt+`, "events": [{"category": "c"}]}`)); r.status != http.StatusAccepted {
			t.Errorf("sent_at %s: answer %d %s", sentAt, r.status, r.text)
		}
	}
	for _, m := range f.storedMessages() {
		if got, ok := m.Header[stream.HeaderSentAt]; ok || m.Header.Get(stream.HeaderApplication) != "shop" {
			t.Errorf("headers %v %q", m.Header, got)
		}
	}
}

// A body that is not events is refused as a whole, and nothing of it is stored.
func TestRefusesBodiesWithoutEvents(t *testing.T) {
	f := newFixture(t)
	large := `{"category": "` + strings.Repeat("x", maxBody) + `"}`
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"empty":            {"", 400, api.CodeEmptyBody},
		"blank":            {" \r\n\t", 400, api.CodeEmptyBody},
		"null":             {"null", 400, api.CodeNotEvents},
		"number":           {"1", 400, api.CodeNotEvents},
		"string":           {`"x"`, 400, api.CodeNotEvents},
		"empty array":      {"[]", 400, api.CodeEmptyBatch},
		"empty batch":      {`{"events": []}`, 400, api.CodeEmptyBatch},
		"1,001 events":     {"[" + strings.Repeat("{},", 1000) + "{}]", 413, api.CodeTooManyEvents},
		"1,001 lines":      {strings.Repeat("{}\n", 1001), 413, api.CodeTooManyEvents},
		"too large":        {large, 413, api.CodeBodyTooLarge},
		"garbage behind":   {"{} garbage", 400, event.CodeInvalidJSON},
		"two on a line":    {"{}{}", 400, event.CodeInvalidJSON},
		"truncated":        {`{"a": [1, 2`, 400, event.CodeInvalidJSON},
		"comment":          {`{} // comment`, 400, event.CodeInvalidJSON},
		"comment inside":   {`{/* */}`, 400, event.CodeInvalidJSON},
		"trailing comma":   {`{"a": 1,}`, 400, event.CodeInvalidJSON},
		"NaN":              {`{"a": NaN}`, 400, event.CodeInvalidJSON},
		"leading zero":     {`{"a": 01}`, 400, event.CodeInvalidJSON},
		"plus sign":        {`{"a": +1}`, 400, event.CodeInvalidJSON},
		"two marks":        {"\ufeff\ufeff{}", 400, event.CodeInvalidJSON},
		"only a mark":      {"\ufeff\n", 400, api.CodeEmptyBody},
		"a wrapper":        {`{"batch": [{}]}`, 400, event.CodeNotAnEvent},
		"a large wrapper":  {`{"event": {"a": "` + strings.Repeat("x", 2<<20) + `"}}`, 400, event.CodeNotAnEvent},
		"a form":           {"category=a&name=b", 400, event.CodeInvalidJSON},
		"UTF-16":           {"{\x00}\x00", 400, event.CodeInvalidJSON},
		"UTF-16 with mark": {"\xFF\xFE{\x00}\x00", 400, event.CodeInvalidJSON},
		"a megabyte of [":  {strings.Repeat("[", 1<<20), 400, event.CodeInvalidJSON},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{api.PathEvents, api.PathValidate} {
				f.send(path, []byte(c.body)).wantProblem(t, c.status, c.code)
			}
			// Without Content-Length the answer is the same.
			req, err := http.NewRequest(http.MethodPost, f.base+api.PathEvents, struct{ *strings.Reader }{strings.NewReader(c.body)})
			f.noError(err)
			req.Header.Set("Authorization", "Bearer "+serverKey)
			r, err := f.doRequest(req)
			f.noError(err)
			r.wantProblem(t, c.status, c.code)
		})
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d events are stored", n)
	}
}

// An event that cannot be carried is refused; the others of its request are
// accepted.
func TestRefusesSingleEvents(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	f := newFixture(t)
	for name, c := range map[string]struct{ event, code string }{
		"number":               {`1`, event.CodeNotObject},
		"null":                 {`null`, event.CodeNotObject},
		"nested array":         {`[{}]`, event.CodeNotObject},
		"invalid UTF-8":        {"{\"a\": \"\xff\"}", event.CodeInvalidText},
		"overlong UTF-8":       {"{\"a\": \"\xc0\xaf\"}", event.CodeInvalidText},
		"half and bad UTF-8":   {"{\"a\": \"\\ud800\", \"b\": \"\xff\"}", event.CodeInvalidText},
		"wrapper":              {`{"event": {"category": "c"}}`, event.CodeNotAnEvent},
		"duplicate key":        {`{"a": 1, "a": 2}`, event.CodeDuplicateKey},
		"duplicate by escape":  {`{"a": 1, "\u0061": 2}`, event.CodeDuplicateKey},
		"depth 33":             {`{"data": ` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, event.CodeTooDeep},
		"1,001 keys":           {`{"data": {` + many(1001, `"k%d": 1`) + `}}`, event.CodeTooLarge},
		"350,000 empty":        {`{"data": [` + strings.Repeat("{},", 349_999) + `{}]}`, event.CodeTooLarge},
		"1e400":                {`{"a": 1e400}`, event.CodeNumberOutOfRange},
		"1e10000000":           {`{"a": 1e10000000}`, event.CodeNumberOutOfRange},
		"a megabyte of digits": {`{"a": ` + strings.Repeat("9", 1_000_000) + `}`, event.CodeNumberOutOfRange},
		"over 1 MiB":           {`{"a": "` + strings.Repeat("x", event.MaxBytes) + `"}`, event.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			before := f.messageCount()
			r := f.send(api.PathEvents, []byte("["+string(click("first"))+","+c.event+","+string(click("last"))+"]"))
			if r.status != http.StatusAccepted || r.Accepted != 2 || r.Refused != 1 || len(r.Results) != 3 {
				t.Fatalf("answer %d %.500s", r.status, r.text)
			}
			got := r.Results[1]
			if got.Status != api.StatusRefused || got.Code != c.code || got.Message == "" || got.EventID != "" || len(got.Message) > 500 {
				t.Errorf("result %+v, want code %s", got, c.code)
			}
			if r.Results[0].EventID != "first" || r.Results[2].EventID != "last" || r.Results[2].Index != 2 {
				t.Errorf("results %+v", r.Results)
			}
			if got := f.messageCount() - before; got != 2 {
				t.Errorf("%d events are stored, want 2", got)
			}
			alone := f.send(api.PathEvents, []byte("["+c.event+"]"))
			if alone.status != http.StatusUnprocessableEntity || alone.Accepted != 0 || alone.Results[0].Code != c.code {
				t.Errorf("alone: %d %.500s", alone.status, alone.text)
			}
		})
	}
}

// An accepted event comes out of the stream as it was sent.
func TestCarriesBytesExactly(t *testing.T) {
	events := []string{
		"{\"a\": \"\u2028 \uffff \\u0000 <script> \\r\\n\"}",
		`{"$where": 1, "a.b": 2, "": 3, "__proto__": {}, "_id": 5, "status": "x", "\u0000": 7}`,
		`{"n": [9007199254740993, 9223372036854775807, 9223372036854775808, 1234567890123456789012345678901234, -0, 1.0, 0.1]}`,
		`{"event_id": "one", "EVENT_ID": "two"}`,
		`{"data": ` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		`{"x": "` + strings.Repeat("y", event.MaxBytes-len(`{"x": ""}`)) + `"}`,
	}
	f := newFixture(t)
	r := f.send(api.PathEvents, []byte("["+strings.Join(events, ",\n")+"]"))
	if r.Accepted != len(events) {
		t.Fatalf("answer %.500s", r.text)
	}
	if diff := cmp.Diff(events, f.payloads()); diff != "" {
		t.Errorf("stream (-want +got):\n%.2000s", diff)
	}
	if r.Results[3].EventID != "one" {
		t.Errorf("event id %q", r.Results[3].EventID)
	}
}

// Events of different applications with the same id are different events.
func TestApplicationComesFromTheKey(t *testing.T) {
	f := newFixture(t)
	for _, key := range []string{serverKey, otherKey} {
		if r := f.send(api.PathEvents, click("same"), "X-Write-Key", key); r.Accepted != 1 {
			t.Fatalf("answer %s", r.text)
		}
	}
	var got []string
	for _, m := range f.storedMessages() {
		got = append(got, m.Header.Get(stream.HeaderApplication))
	}
	if diff := cmp.Diff([]string{"shop", "other"}, got); diff != "" {
		t.Errorf("applications (-want +got):\n%s", diff)
	}
}
