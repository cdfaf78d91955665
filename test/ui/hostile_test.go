package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chromedp/chromedp"
)

// hostileSession is the session of all hostile events.
const hostileSession = "7b1f0c5a-3a52-4f0e-8c44-0a1b2c3d4e5f"

// hostileStrings are those of the table, and some that are too long to stand there.
func hostileStrings(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/hostile.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil || len(list) < 200 {
		t.Fatalf("%d strings: %v", len(list), err)
	}
	return append(list, strings.Repeat("W", 10_000), strings.Repeat("<b data-hit>", 500), strings.Repeat("a\u0301\u0302\u0303", 400), strings.Repeat("\u202e", 300), strings.Repeat("m", 200))
}

// hostileStored and hostileRejected return the events that carry one of the strings: as its type,
// its id, a member and a value; and as the name of a member that the schema refuses.
func hostileStored(i int, s string) string {
	return fmt.Sprintf(`{"event_id":%s,"session_id":%q,"category":%s,"name":%s,"data":{"value":%s,%s:{"in":[%s]}},"timestamp":%q}`,
		quote(s), hostileSession, quote(s), quote(s), quote(s), memberName(s), quote(s), time.Now().Add(time.Duration(i-600)*time.Second).UTC().Format(time.RFC3339))
}

func hostileRejected(i int, s string) string {
	return fmt.Sprintf(`{"event_id":"rejected-%d","session_id":%q,"category":"hostile","name":"rejected","data":{%s:%s},"timestamp":%q}`,
		i, hostileSession, quote(s), quote(s), time.Now().UTC().Format(time.RFC3339))
}

// memberName is the name of a member beside "value".
func memberName(s string) string {
	if s == "value" {
		return `"value "`
	}
	return quote(s)
}

// newHostileFixture returns a fixture whose registry stores events of any type, and has the
// strings in its notes, and in a schema that refuses members with such names.
func newHostileFixture(t *testing.T, list []string) *fixture {
	t.Helper()
	f := newEmptyFixture(t)
	f.change(t, http.MethodPut, "/v1/policy", `{"unknown_types": "store"}`, 0)
	members := make([]string, len(list))
	for i, s := range list {
		members[i] = quote(s) + `: {"type": "number"}`
	}
	f.put(t, "hostile", "rejected", `{"type": "object", "properties": {`+strings.Join(members, ", ")+`}}`, 0)
	return f
}

// noteOf returns what a header can carry of a string.
func noteOf(s string) string {
	note := strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, s)
	for len(note) > 400 {
		_, size := utf8.DecodeLastRuneInString(note)
		note = note[:len(note)-size]
	}
	return strings.TrimSpace(note)
}

// putNoted puts a schema or starts a job whose note is a string.
func (f *fixture) sendNoted(t *testing.T, method, path, body, note string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if note != "" {
		req.Header.Set("X-Eye-Note", note)
	}
	want := http.StatusCreated
	if method == http.MethodPost {
		want = http.StatusAccepted
	}
	f.send(t, req, operatorToken, want)
}

// guard is what no page has of itself: an element or attribute that the UI does not make, an
// address that leads away, a script that ran, or a page wider than the window.
const guard = `(() => {
	const tags = new Set("html head noscript meta title link script body div span p h1 h2 h3 a button input select option label form fieldset legend nav header main aside section ul ol li dl dt dd table caption colgroup col thead tbody tr th td code pre strong bdi mark svg path polyline line canvas textarea dialog progress details summary figure figcaption time kbd style br".split(" "))
	const attributes = new Set("accept-charset class id href rel type src content name charset lang title role style tabindex value checked disabled autofocus selected placeholder autocomplete autocapitalize spellcheck inputmode maxlength novalidate for scope colspan open max min datetime viewbox d x1 x2 y1 y2 points width height preserveaspectratio focusable label contenteditable translate writingsuggestions autocorrect crossorigin".split(" "))
	const found = []
	const look = (root) => {
		for (const e of root.querySelectorAll("*")) {
			if (e.shadowRoot) look(e.shadowRoot)
			if (!tags.has(e.localName)) found.push("element " + e.outerHTML.slice(0, 120))
			for (const a of e.attributes) {
				if (a.name === "data-hit" || a.name.startsWith("on")) found.push("attribute " + a.name + " of " + e.outerHTML.slice(0, 120))
				else if (!attributes.has(a.name.toLowerCase()) && !/^(aria|data)-[a-z]+$/.test(a.name)) found.push("attribute " + a.name + " of " + e.outerHTML.slice(0, 120))
				if ((a.name === "href" || a.name === "src") && !/^(#main$|\/ui\/|\/docs$|data:image\/svg\+xml,)/.test(a.value)) found.push(a.name + "=" + a.value.slice(0, 120))
			}
			if (e.localName === "script" && root === document && !e.src) found.push("script " + e.outerHTML.slice(0, 120))
		}
	}
	look(document)
	if (window.__hit !== undefined) found.push("a script ran")
	const width = document.documentElement.scrollWidth
	if (width > innerWidth) found.push("the screen is " + width + " pixels wide, of " + innerWidth + ": " + [...document.querySelectorAll("#app *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 6).map((e) => e.localName + "." + e.getAttribute("class")).join(" "))
	return found.slice(0, 8)
})()`

// checkGuard says that the screen has nothing of the strings but their text.
func (p *page) checkGuard(what string) {
	p.t.Helper()
	for _, found := range evaluate[[]string](p, guard) {
		p.t.Errorf("%s has %s", what, found)
	}
}

// missingTexts returns which of the texts an element does not show: whole, or visibly cut. What
// shows nothing, or turns the text around, is replaced by a symbol.
func (p *page) missingTexts(selector string, texts []string) []string {
	p.t.Helper()
	list, err := json.Marshal(append([]string{}, texts...))
	if err != nil {
		p.t.Fatal(err)
	}
	return evaluate[[]string](p, fmt.Sprintf(`(() => {
		const all = [...document.querySelectorAll(%s)].flatMap((e) => [e.textContent, ...[...e.querySelectorAll("input")].map((i) => i.value)]).join("\n")
		const visible = (s) => [...s].map((c) => {
			const code = c.codePointAt(0)
			return code < 0x20 ? String.fromCodePoint(0x2400 + code) : (/[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u.test(c) ? "\ufffd" : c)
		}).join("")
		const cut = (s) => [...Array(400).keys()].some((n) => n >= 18 && n < s.length && all.includes(s.slice(0, n).replace(/[\ud800-\udbff]$/, "") + "…"))
		const isShown = (s) => all.includes(s) || (all.includes(s.slice(0, 18)) && cut(s))
		return %s.filter((s) => s !== "" && !isShown(visible(s)) && !isShown(visible(JSON.stringify(s))) && !isShown(visible(s.replaceAll("~", "~0").replaceAll("/", "~1"))))
	})()`, quote(selector), list))
}

// checkTexts says that an element shows the texts.
func (p *page) checkTexts(what, selector string, texts []string) {
	p.t.Helper()
	p.await(`document.querySelector("#main > *")`)
	p.awaitAnswers()
	if missing := p.missingTexts(selector, texts); len(missing) > 0 {
		p.t.Errorf("%s lacks %d of %d texts, such as %.300q: %.300s", what, len(missing), len(texts), missing[:min(8, len(missing))], p.shownNow())
	}
	p.checkGuard(what)
}

// visit goes to an address within the page, as Back and Forward do.
func (p *page) visit(target string) {
	p.t.Helper()
	evaluate[bool](p, fmt.Sprintf(`(() => { history.pushState(null, "", %s); dispatchEvent(new PopStateEvent("popstate")); return true })()`, quote(target)))
	p.await(`document.querySelector("#main > *")`)
	p.awaitAnswers()
}

// Whatever a site sends is text on every screen, and on none anything else.
func TestHostileData(t *testing.T) {
	list := hostileStrings(t)
	f := newHostileFixture(t, list)
	live := f.open(t, "/ui/live?from=1d&to=now&tz=UTC&outcome=stored")
	live.awaitText("[role=status]", "listening")
	f.sendHostile(t, list)

	var stored, rejected struct {
		Events []struct {
			EventID  string `json:"event_id"`
			Category *string
			Name     *string
			Data     map[string]json.RawMessage
		}
	}
	if err := firstError(f.get(t.Context(), "/v1/events?limit=1000", &stored), f.get(t.Context(), "/v1/rejected?limit=1000", &rejected)); err != nil {
		t.Fatal(err)
	}
	var types, ids, values, names []string
	for _, e := range stored.Events {
		types, ids = append(types, *e.Category+" / "+*e.Name), append(ids, e.EventID)
		var value string
		if err := json.Unmarshal(e.Data["value"], &value); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		for name := range e.Data {
			names = append(names, name)
		}
	}
	if len(ids) < 200 || len(rejected.Events) < 200 {
		t.Fatalf("%d events are stored, %d rejected", len(ids), len(rejected.Events))
	}

	// Wide and high, so that every row of a list is in sight; and narrow.
	const size = 12_000
	live.run(chromedp.EmulateViewport(360, size))
	live.await(`innerHeight === ` + fmt.Sprint(size))
	live.await(fmt.Sprintf(`document.querySelector(".windowed table")?.ariaRowCount > %d`, len(types))) // a row is the heading
	live.checkTexts("live", ".windowed", types)

	p := f.open(t, "/ui/explorer?from=1d&to=now&tz=UTC&column=type&column=event_id&column=data.value&column=data")
	p.run(chromedp.EmulateViewport(360, size))
	p.await(`innerHeight === ` + fmt.Sprint(size))
	// The high table may have asked for the second page by itself.
	p.await(`(() => { document.querySelector(".windowed-foot .button")?.click(); return document.querySelector(".windowed-foot")?.innerText.includes("No older events") })()`)
	p.checkTexts("the types of the explorer", ".windowed", types)
	p.checkTexts("the ids of the explorer", ".windowed", ids)
	p.checkTexts("the values of the explorer", ".windowed", values)
	p.visit("/ui/types?from=1d&to=now&tz=UTC")
	p.checkTexts("types", ".types", types)
	p.checkTexts("fields", ".types", names)
	p.visit("/ui/types?from=1d&to=now&tz=UTC&field=data.value")
	p.checkTexts("values", ".types", nil)
	p.visit("/ui/sessions?from=1d&to=now&tz=UTC")
	p.checkTexts("sessions", "#main", nil)
	for _, screen := range []string{"overview?", "overview?field=data.value&", "trends?group=data.value&top=10&", "trends?group=type&", "retention?by=data.value&", "export?", "status?", "access?", "playground?"} {
		p.visit("/ui/" + screen + "from=1d&to=now&tz=UTC")
		p.checkTexts(screen, "#main", nil)
		p.clickTables()
		p.checkTexts("the tables of "+screen, "#main", nil)
	}
	p.visit("/ui/paths?from=1d&to=now&tz=UTC&value=data.value&top=8&depth=5&event=" + url.QueryEscape("application=demo"))
	p.checkTexts("paths", "#main", nil)

	// An event opens, whatever its id.
	p.visit("/ui/sessions/" + hostileSession + "?from=1d&to=now&tz=UTC&app=demo")
	p.checkTexts("the session", "#main", types)
	p.run(chromedp.EmulateViewport(360, 780))
	for i, id := range ids {
		if i%4 > 0 && !strings.ContainsAny(id, "./%?#&") {
			continue
		}
		p.visit("/ui/explorer?from=2020-01-01&to=2020-01-02&tz=UTC&event=" + url.QueryEscape("demo/"+id))
		if missing := p.missingTexts(".drawer .event-facts", []string{id}); len(missing) > 0 {
			t.Errorf("the event %q does not open: %s", id, p.text(".drawer"))
		}
		p.checkGuard("the event " + id)
		if t.Failed() {
			break // the others would say the same
		}
	}
	p.run(chromedp.EmulateViewport(360, size))

	// Reasons, and the schema beside an event.
	p.visit("/ui/rejected?from=1d&to=now&tz=UTC")
	var summary struct{ Groups []struct{ Path string } }
	if err := f.get(t.Context(), "/v1/rejected/summary?limit=200&from=1d", &summary); err != nil {
		t.Fatal(err)
	}
	paths := make([]string, len(summary.Groups))
	for i, g := range summary.Groups {
		paths[i] = g.Path
	}
	p.checkTexts("rejected", ".groups", paths)
	for _, i := range []int{155, 165, 180, 190, 200, 220, 240, 260} { // of the newest events
		group := url.Values{"group": {"demo", "hostile", "rejected", "schema_violation", "/data/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(list[i])}}
		p.visit("/ui/rejected?from=1d&to=now&tz=UTC&" + group.Encode())
		p.checkTexts("an event beside its schema", ".group-panel", []string{list[i]})
	}
	p.visit("/ui/schemas?from=1d&to=now&tz=UTC&category=hostile&name=rejected")
	p.await(editorText)
	p.checkTexts("the schema editor", ".samples-panel", nil)
	p.awaitText(".samples", "rejected-")
}

// sendHostile sends the events of the strings, and waits until all have an outcome.
func (f *fixture) sendHostile(t *testing.T, list []string) {
	t.Helper()
	for half := range slices.Chunk(list, 150) {
		lines := make([]string, 0, 300)
		for i, s := range half {
			lines = append(lines, hostileStored(i, s), hostileRejected(slices.Index(list, s), s))
		}
		f.sendEvents(t, strings.Join(lines, "\n"))
	}
	// A lone surrogate is no text: such events are rejected, and shown as they came.
	f.sendEvents(t, `{"session_id":"`+hostileSession+`","category":"a","name":"b","data":{"x":"\ud800"},"timestamp":"2026-01-01T00:00:00Z"}`+"\n"+
		`{"event_id":"\udfff","session_id":"`+hostileSession+`","category":"\ud800a","name":"b\udfff","data":{"\udfff":"\udfff\ud800"},"timestamp":"2026-01-01T00:00:00Z"}`)
}

// clickTables shows the tables of all panels.
func (p *page) clickTables() {
	p.t.Helper()
	evaluate[bool](p, `(() => { document.querySelectorAll('button[aria-label$=": table"]').forEach((b) => b.click()); return true })()`)
}

// Notes of operators, and the selections of jobs, are text as well.
func TestHostileNotes(t *testing.T) {
	list := hostileStrings(t)
	f := newHostileFixture(t, list)
	var types, notes, registered []string
	for _, s := range list {
		note := noteOf(s)
		if note == "" || len(s) > 200 || s == "." || s == ".." {
			continue
		}
		f.sendNoted(t, http.MethodPut, "/v1/schemas/"+url.PathEscape(s)+"/"+url.PathEscape(s), `{"title": `+quote(s)+`}`, note)
		types, notes, registered = append(types, s+" / "+s), append(notes, note), append(registered, s)
	}
	if len(notes) < 200 {
		t.Fatalf("%d notes", len(notes))
	}
	f.sendEvents(t, hostileRejected(0, list[0]))
	some := []int{0, 20, 50, 60, 80, 100, 150, 180, 200, 220}
	for _, i := range some {
		f.sendNoted(t, http.MethodPost, "/v1/replays", `{"dry_run":true,"category":`+quote(registered[i])+`,"name":`+quote(registered[i])+`}`, notes[i])
	}
	p := f.open(t, "/ui/schemas?from=1d&to=now&tz=UTC")
	p.run(chromedp.EmulateViewport(360, 12_000))
	p.await(`innerHeight === 12000`)
	p.checkTexts("the types of the schemas", ".list", types)
	p.checkTexts("the notes of the schemas", ".list", notes)
	p.visit("/ui/changes?from=1d&to=now&tz=UTC")
	p.checkTexts("changes", "#main", notes[len(notes)-30:])
	p.visit("/ui/replays?from=1d&to=now&tz=UTC")
	p.checkTexts("replays", "#main", []string{notes[0], notes[20], notes[50]})
	p.clickText(".job-row", "Dry run")
	p.awaitAnswers()
	p.checkGuard("a replay")
	for _, i := range some {
		p.visit("/ui/schemas?" + url.Values{"from": {"1d"}, "to": {"now"}, "tz": {"UTC"}, "category": {registered[i]}, "name": {registered[i]}}.Encode())
		p.await(editorText)
		p.checkTexts("the editor of "+registered[i], ".crumbs", types[i:i+1])
		p.checkTexts("the history of "+registered[i], ".versions", notes[i:i+1])
	}
	// An invalid name is refused with the server's sentence.
	p.visit("/ui/access?from=1d&to=now&tz=UTC")
	p.expect("422")
	p.clickText("button", "New application")
	for _, i := range []int{0, 52, 210} {
		p.fill("dialog input[name=application]", list[i])
		if strings.TrimSpace(list[i]) == "" { // no name at all
			p.await(`document.querySelector("dialog [type=submit]").disabled`)
			continue
		}
		p.clickText("dialog button", "Create")
		p.await(`document.querySelector("dialog .failure")`)
		p.checkGuard("the dialog")
	}
}

// A link may hold anything, too: each screen shows it as text, or names its fault.
func TestHostileAddresses(t *testing.T) {
	list := hostileStrings(t)
	f := newFixture(t)
	p := f.open(t, "/ui/overview?from=1d&to=now&tz=UTC")
	for _, status := range []string{"400", "403", "404", "414", "422", "431"} {
		p.expect("status of " + status)
	}
	p.run(chromedp.EmulateViewport(360, 780))
	p.await(`innerWidth === 360`)
	screens := []string{"overview", "explorer", "sessions", "types", "live", "trends", "funnel", "retention", "paths", "export", "rejected", "schemas", "replays", "replays/new", "audits/new", "changes", "access", "policy", "playground", "status"}
	own := []string{"field", "group", "column", "metric", "interval", "by", "order", "event", "step", "format", "code", "type", "category", "name", "value", "direction", "sample", "run", "outcome", "first", "kind", "cursor", "open", "version", "at", "scope", "top"}
	for i, s := range list {
		screen := screens[i%len(screens)]
		q := url.Values{}
		for _, name := range own {
			q.Set(name, s)
		}
		q.Set("event", "demo/"+s)
		q["filter"] = []string{s, "data.value=" + quote(s)}
		// One part of the address is hostile at a time where another would hide it.
		switch i % 4 {
		case 0:
			q.Set("from", s)
		case 1:
			q.Set("to", s)
		case 2:
			q.Set("app", s)
		case 3:
			q.Set("tz", s)
		}
		q.Set(s, s)
		p.visit("/ui/" + screen + "?" + q.Encode())
		if evaluate[bool](p, `!document.querySelector(".frame, .signin")`) {
			t.Fatalf("%s with %q shows nothing", screen, s)
		}
		p.checkGuard(fmt.Sprintf("%s with %q", screen, s))
		p.await(`document.querySelector("#main").innerText.length > 10`)
	}
	// Loaded, not only gone to; with a copy of the command of an export.
	for _, s := range []string{"__proto__", "constructor", "csv; touch hit", list[0]} {
		p.run(chromedp.Navigate(f.base + "/ui/export?" + url.Values{"from": {"1d"}, "to": {"now"}, s: {s}, "format": {s}, "column": {s}}.Encode()))
		p.awaitText("h1", "Export")
		p.awaitAnswers()
		p.checkGuard("export of " + s)
		if command := p.text(".command .code"); strings.Contains(command, "--format "+s) {
			t.Errorf("the command is %s", command)
		}
	}
}
