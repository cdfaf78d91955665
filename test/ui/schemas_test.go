package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/test/harness"
)

// newOperatorFixture returns a fixture of one test, whose registry it may change, in the
// browser of the shared one. It has the events of a shop: bookings of which some have a
// number as their total, which the schema refuses, and one without a total.
func newOperatorFixture(t *testing.T, env ...string) *fixture {
	t.Helper()
	browser := newFixture(t).browser
	f, err := startFixture(false, env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.up.Stop)
	f.browser = browser
	f.put(t, "travel", "booking", `{"type": "object", "required": ["total"], "properties": {"total": {"type": "string"}}}`, 0)
	now := time.Now().UTC()
	var lines []string
	for i := range 40 {
		data := `{"total": "12.50"}`
		switch {
		case i == 0:
			data = `{}`
		case i%4 == 1:
			data = fmt.Sprintf(`{"total": %d}`, i)
		}
		lines = append(lines, fmt.Sprintf(`{"event_id": "booking-%d", "session_id": "0193b5c2-7c1a-7000-8000-%012d", "category": "travel", "name": "booking", "data": %s, "timestamp": %q}`,
			i, i%7, data, now.Add(time.Duration(i-50)*time.Second).Format(time.RFC3339Nano)))
	}
	f.post(t, "/v1/events", writeKey, strings.Join(lines, "\n"), http.StatusAccepted)
	err = harness.Poll(t.Context(), func() error {
		var got struct{ Total int }
		if err := f.get(t.Context(), "/v1/rejected/summary", &got); err != nil || got.Total != 11 {
			return fmt.Errorf("%d are rejected: %w", got.Total, err)
		}
		var stored struct{ Events []struct{} }
		if err := f.get(t.Context(), "/v1/events?category=travel", &stored); err != nil || len(stored.Events) != 29 {
			return fmt.Errorf("%d are stored: %w", len(stored.Events), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// onEveryStore runs a test on SQLite and on MongoDB.
func onEveryStore(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newOperatorFixture(t)) })
	t.Run("MongoDB", func(t *testing.T) {
		uri := os.Getenv("EYE_TEST_MONGO_URI")
		if uri == "" {
			t.Fatal("set EYE_TEST_MONGO_URI to a MongoDB for tests, or run make test")
		}
		timeWindows, err := mongotest.NeedsTimeWindows(uri)
		if err != nil {
			t.Fatal(err)
		}
		database := fmt.Sprintf("ui_%d", time.Now().UnixNano())
		atEnd = append(atEnd, func() {
			client, err := mongo.Connect(options.Client().ApplyURI(uri))
			if err != nil {
				return
			}
			_ = client.Database(database).Drop(context.Background())
			_ = client.Disconnect(context.Background())
		})
		test(t, newOperatorFixture(t, "EYE_MONGO_URI="+uri, "EYE_MONGO_DATABASE="+database, "EYE_MONGO_TIME_WINDOWS="+strconv.FormatBool(timeWindows)))
	})
}

// put puts a schema by the API, as another operator would.
func (f *fixture) put(t *testing.T, category, name, schema string, match int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.base+"/v1/schemas/"+url.PathEscape(category)+"/"+url.PathEscape(name), strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	if match > 0 {
		req.Header.Set("If-Match", fmt.Sprintf(`"%d"`, match))
	}
	req.Header.Set("X-Eye-Note", "by a colleague")
	f.send(t, req, operatorToken, 0)
}

// post sends a body.
func (f *fixture) post(t *testing.T, path, secret, body string, want int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return f.send(t, req, secret, want)
}

// send sends a request and wants a status, 0 for 200 or 201.
func (f *fixture) send(t testing.TB, req *http.Request, secret string, want int) string {
	t.Helper()
	req.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want && (want != 0 || resp.StatusCode > 201) {
		t.Fatalf("%s %s: %d %s %v", req.Method, req.URL, resp.StatusCode, answer, err)
	}
	return string(answer)
}

// schemaOf returns a schema and its revision.
func (f *fixture) schemaOf(t *testing.T, category, name string) (text string, revision int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.base+"/v1/schemas/"+url.PathEscape(category)+"/"+url.PathEscape(name), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	text = f.send(t, req, operatorToken, 200)
	var list struct {
		Schemas []struct {
			Category, Name string
			Revision       int
		}
	}
	if err := f.get(t.Context(), "/v1/schemas", &list); err != nil {
		t.Fatal(err)
	}
	for _, s := range list.Schemas {
		if s.Category == category && s.Name == name {
			revision = s.Revision
		}
	}
	return text, revision
}

const editorText = `document.querySelector(".editor")?.shadowRoot?.querySelector(".cm-content")`

// typed is the text of the editor.
func (p *page) typed() string {
	p.t.Helper()
	p.await(editorText)
	return evaluate[string](p, `[...`+editorText+`.querySelectorAll(".cm-line")].map((l) => l.textContent).join("\n")`)
}

// retype types a text in the place of all that the editor has, as a person who pastes it.
func (p *page) retype(text string) {
	p.t.Helper()
	p.await(editorText)
	evaluate[bool](p, `(() => { `+editorText+`.focus(); return true })()`)
	p.run(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
			return err
		}))
}

const bookingScreen = "/ui/schemas?from=30d&to=now&tz=UTC&category=travel&name=booking"

const (
	bothTotals = `{"type": "object", "required": ["total"], "properties": {"total": {"type": ["string", "number"]}}}`
	numbers    = `{"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}`
)

// shownEditor is what the editor of a schema shows.
const shownEditor = `(` + editorText + `?.textContent ?? "") + [...document.querySelectorAll(".crumbs, .samples, .dry-run-panel .figures, .versions")].map((e) => e.innerText).join("|")`

// Faults stand at their places as one types, samples are judged by the draft, a dry run
// counts its changes, and the draft outlives a reload.
func TestSchemaEditor(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, bookingScreen+"&at=/properties/total/type")
	p.awaitText(".samples .badge", "stays stored")
	p.awaitText(".samples .badge", "stays rejected")
	p.await(editorText + `.querySelector(".cm-activeLine").textContent.includes('"type": "string"')`)
	p.checkScreen("schema-editor")
	p.checkSame(shownEditor)

	p.retype(`{"type": "objec"`)
	p.awaitText(".editor-faults", "The text ends where } or , is expected")
	p.retype(`{"type": "objec"}`)
	p.expect("422")
	p.awaitText(".editor-faults", "/type")
	if save := evaluate[bool](p, `[...document.querySelectorAll(".crumbs button")].find((b) => b.innerText.startsWith("Save")).disabled`); !save {
		t.Error("a schema with faults can be saved")
	}
	p.checkAccessibility()

	p.retype(bothTotals)
	p.awaitText(".samples .badge.good", "would be stored")
	p.await(`document.querySelectorAll(".samples .badge.good").length === 10`)
	p.clickText(".sample-row", "booking-0")
	p.awaitText(".sample-open", "the member is missing")
	p.clickText(".dry-run-panel button", "Run")
	p.await(`document.querySelector(".dry-run-panel [data-change=newly_valid] dd")?.innerText === "10"`)
	p.clickText("button", "Lay out")
	p.awaitText(".notice-line", "has changed since")
	p.checkSame(shownEditor)
	if kept := p.typed(); !strings.Contains(kept, "[\"string\", \"number\"]") || !strings.Contains(kept, "\n") {
		t.Errorf("after loading again the draft is %s", kept)
	}
	p.checkScreen("schema-editor-dry-run")
	p.clickText(".crumbs button", "Discard")
	p.await(`!document.querySelector(".crumbs .badge")`)
	p.await(`!` + editorText + `.textContent.includes("number")`)
	var rejected struct{ Events []struct{ EventID string } }
	p.curl("Samples", &rejected)
	if len(rejected.Events) != 11 {
		t.Errorf("the call of the samples returns %d rejected ones", len(rejected.Events))
	}
}

// The mistake's path: a worse schema shows its rejections in red, and saving it asks.
func TestWorseSchemaIsNotSavedByMistake(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, bookingScreen)
	p.retype(numbers)
	p.awaitText(".samples .badge.bad", "would be rejected")
	p.awaitText(".samples-panel .panel-note .bad", "would be rejected")
	p.clickText(".crumbs button", "Save")
	p.awaitText("dialog .failure", "29 events that are valid today would be rejected")
	p.await(`document.querySelector("dialog [data-change=newly_rejected].bad dd").innerText === "29"`)
	p.checkScreen("schema-worse")
	if enabled := evaluate[bool](p, `!document.querySelector("dialog button[type=submit]").disabled`); enabled {
		t.Error("it can be saved without a word")
	}
	p.click("dialog input[name=agreed]")
	p.await(`!document.querySelector("dialog button[type=submit]").disabled`)
	p.clickText("dialog button", "Back to the draft")
	p.await(`!document.querySelector("dialog")`)
	if text, _ := f.schemaOf(t, "travel", "booking"); !strings.Contains(text, `"type":"string"`) {
		t.Errorf("the schema is %s", text)
	}
	// Who means it can do it.
	p.clickText(".crumbs button", "Save")
	p.awaitText("dialog .failure", "29 events")
	p.click("dialog input[name=agreed]")
	p.clickText("dialog button[type=submit]", "Save and reject 29")
	p.awaitText(".saved", "Saved as revision")
	if text, _ := f.schemaOf(t, "travel", "booking"); text != strings.ReplaceAll(numbers, " ", "") {
		t.Errorf("the schema is %s", text)
	}
	// An earlier version comes back by the draft.
	p.await(`document.querySelectorAll(".version-row").length === 2`)
	evaluate[bool](p, `(() => { document.querySelectorAll(".version-row")[1].click(); return true })()`)
	p.clickText(".version-open button", "Take it into the draft")
	p.awaitText(".samples .badge", "stays stored")
	if text := p.typed(); !strings.Contains(text, `"string"`) {
		t.Errorf("the draft is %s", text)
	}
}

// A browser resolves the segments "." and ".." of a path; the types and events of these names
// are shown and edited as all others are.
func TestTypesNamedByDotsAreEdited(t *testing.T) {
	f := newOperatorFixture(t)
	f.put(t, ".", "..", bothTotals, 0)
	f.sendEvents(t, `{"event_id": "..", "session_id": "0193b5c2-7c1a-7000-8000-000000000001", "category": ".", "name": "..", "data": {"total": "dotted"}, "timestamp": "`+time.Now().UTC().Format(time.RFC3339)+`"}`)
	p := f.open(t, "/ui/schemas?from=1d&to=now&tz=UTC&category=.&name=..")
	p.awaitText(".samples .badge", "stays stored")
	p.retype(numbers)
	p.awaitText(".samples .badge.bad", "would be rejected")
	p.retype(`{"type": "object", "title": "dotted"}`)
	p.awaitText(".samples .badge", "stays stored")
	p.clickText(".crumbs button", "Save")
	p.await(`document.querySelector("dialog button[type=submit]") && !document.querySelector("dialog button[type=submit]").disabled`)
	p.click("dialog button[type=submit]")
	p.awaitText(".saved", "Saved as revision")
	p.await(`document.querySelectorAll(".version-row").length === 2`)
	if text, _ := f.schemaOf(t, ".", ".."); !strings.Contains(text, "dotted") {
		t.Errorf("the schema is %s", text)
	}
	p.visit("/ui/explorer?from=1d&to=now&tz=UTC&event=demo%2F..")
	p.awaitText(".drawer", "dotted")
}

// Two operators edit one schema: the second is shown both changes, and none is lost.
func TestTwoOperatorsEditOneSchema(t *testing.T) {
	f := newOperatorFixture(t)
	const first = "{\n  \"type\": \"object\",\n  \"required\": [\"total\"],\n  \"properties\": {\n    \"total\": {\n      \"type\": \"string\"\n    }\n  }\n}\n"
	_, revision := f.schemaOf(t, "travel", "booking")
	f.put(t, "travel", "booking", first, revision)
	p := f.open(t, bookingScreen)
	p.awaitText(".crumbs", "revision")
	mine := strings.Replace(first, "\"string\"\n", "[\"string\", \"number\"]\n", 1)
	p.retype(mine)
	p.awaitText(".samples .badge.good", "would be stored")
	_, revision = f.schemaOf(t, "travel", "booking")
	theirs := strings.Replace(first, "\"object\"", "\"object\",\n  \"title\": \"A <b>booking</b>\"", 1)
	f.put(t, "travel", "booking", theirs, revision)
	p.expect("412")
	p.clickText(".crumbs button", "Save")
	p.await(`document.querySelector("dialog button[type=submit]") && !document.querySelector("dialog button[type=submit]").disabled`)
	p.click("dialog button[type=submit]")
	p.awaitText(".conflict", "Another change was first")
	p.awaitText(".conflict", "by a colleague")
	p.awaitText(".conflict .diff", "A <b>booking</b>")
	p.checkScreen("schema-conflict")
	p.clickText(".conflict button", "Merge both")
	p.await(`!document.querySelector(".conflict")`)
	if merged := p.typed(); !strings.Contains(merged, "A <b>booking</b>") || !strings.Contains(merged, `"number"`) {
		t.Fatalf("the merged draft is %s", merged)
	}
	p.awaitText(".samples .badge.good", "would be stored")
	p.clickText(".crumbs button", "Save")
	p.await(`document.querySelector("dialog button[type=submit]") && !document.querySelector("dialog button[type=submit]").disabled`)
	p.run(chromedp.SendKeys("dialog input[name=note]", "totals are numbers, too — “both”"))
	p.click("dialog button[type=submit]")
	p.awaitText(".saved", "Saved as revision")
	text, _ := f.schemaOf(t, "travel", "booking")
	var saved struct {
		Title      string
		Properties struct{ Total struct{ Type []string } }
	}
	if err := json.Unmarshal([]byte(text), &saved); err != nil || saved.Title == "" || len(saved.Properties.Total.Type) != 2 {
		t.Errorf("saved is %s (%v)", text, err)
	}
	p.awaitText(".versions", "totals are numbers, too — “both”")
}

// The list leads to every type, and a type that was only seen gets its first schema.
func TestSchemas(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/schemas?"+pinned)
	p.awaitText(".list", "page interaction / pageview")
	p.checkScreen("schemas")
	p.checkSame(`document.querySelector(".list").innerText`)
	var list struct{ Schemas []struct{ Name string } }
	p.curl("Registered types", &list)
	if rows := evaluate[int](p, `document.querySelectorAll(".list tbody tr").length`); rows != len(list.Schemas) {
		t.Errorf("the list has %d rows, the call returns %d", rows, len(list.Schemas))
	}
	p.run(chromedp.SendKeys("input[name=new-category]", "page interaction"), chromedp.SendKeys("input[name=new-name]", "page_view\r"))
	p.awaitText(".crumbs", "not registered yet")
	p.awaitText(".samples .badge.good", "would be stored")
	if draft := p.typed(); !strings.Contains(draft, `"load_ms"`) || !strings.Contains(draft, `"required"`) {
		t.Errorf("the first draft is %s", draft)
	}
	p.run(chromedp.NavigateBack())
	p.awaitText(".list", "shop / purchase")
}

// Samples are judged with every digit of their numbers.
func TestSamplesKeepTheirNumbers(t *testing.T) {
	f := newEmptyFixture(t)
	t.Cleanup(f.up.Stop)
	f.put(t, "travel", "ticket", `{"type": "object", "properties": {"id": {"const": 9007199254740993}}}`, 0)
	f.post(t, "/v1/events", writeKey, fmt.Sprintf(`{"event_id": "ticket", "session_id": "0193b5c2-7c1a-7000-8000-000000000000", "category": "travel", "name": "ticket",
		"data": {"id": 9007199254740993}, "timestamp": %q}`, time.Now().UTC().Format(time.RFC3339Nano)), http.StatusAccepted)
	err := harness.Poll(t.Context(), func() error {
		var stored struct{ Events []struct{} }
		if err := f.get(t.Context(), "/v1/events?category=travel", &stored); err != nil || len(stored.Events) != 1 {
			return fmt.Errorf("%d are stored: %w", len(stored.Events), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := f.open(t, "/ui/schemas?from=30d&to=now&tz=UTC&category=travel&name=ticket&sample=ticket")
	p.awaitText(".sample-open", "9007199254740993")
	p.awaitText(".samples .badge", "stays stored")
}
