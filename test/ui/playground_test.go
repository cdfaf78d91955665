package ui

import (
	"os/exec"
	"strings"
	"testing"
)

// The developer's path: an event is judged as one types, the code sends it, it is sent, and
// its outcome is seen.
func TestPlayground(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, "/ui/playground?from=7d&to=now&tz=UTC")
	p.awaitText(".verdict-box .badge.good", "would be stored")
	p.checkScreen("playground")
	p.retype(`{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "travel"`)
	p.awaitText(".verdict-box .fault", "Line 1")
	p.choose("Example of a type", `["travel","booking"]`)
	p.await(editorText + `.textContent.includes('"total"')`)
	p.awaitText(".verdict-box .badge.good", "would be stored")
	p.checkSame(editorText + `?.textContent + document.querySelector("pre.code")?.innerText`)
	p.retype(`{"event_id": "mine", "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "travel", "name": "booking", "data": {"total": 3, "note": "it's </script>"}, "timestamp": "2026-01-01T00:00:00Z"}`)
	p.awaitText(".verdict-box .badge.bad", "would be rejected")
	p.awaitText(".verdict-box .faults", "/data/total")
	p.checkScreen("playground-rejected")
	p.clickText("section[aria-label=Code] button", "Copy")
	p.await(`window.copied.startsWith("curl ")`)
	command := evaluate[string](p, `window.copied`)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command+" --fail-with-body")
	cmd.Env = append(cmd.Environ(), "EYE_WRITE_KEY="+writeKey)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `"accepted":1`) {
		t.Errorf("%s: %v %s", command, err, out)
	}
	p.clickText(".segments button", "Script")
	p.awaitText("pre.code", `eye.push(["track", "travel", "booking"`)
	if code := p.text("pre.code"); strings.Count(code, "</script>") != 2 {
		t.Errorf("a text ends the script: %s", code)
	}
	p.clickText(".segments button", "Go")
	p.awaitText("pre.code", `client.Enqueue`)
	p.clickText(".segments button", "Python")
	p.awaitText("pre.code", `theeye.enqueue`)
	p.checkSame(`document.querySelector("pre.code").innerText`)

	p.click("section[aria-label=Send] button[type=submit]")
	p.awaitText(".arrival", "rejected")
	p.awaitText(".arrival", "/data/total")
	p.retype(`{"event_id": "good", "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "travel", "name": "booking", "data": {"total": "3"}, "timestamp": "2026-01-01T00:00:00Z"}`)
	p.clickText(".panel button", "Set the time to now")
	p.await(`!` + editorText + `.textContent.includes("2026-01-01T00")`)
	p.click("section[aria-label=Send] button[type=submit]")
	p.awaitText(".arrival", "stored")
	p.expect("401")
	p.fill("input[name=write-key]", "wrong")
	p.await(`document.querySelector(".verdict-box .failure")`)
	p.awaitText("h1", "Playground") // a wrong write key does not sign out
}
