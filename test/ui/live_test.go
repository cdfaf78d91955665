package ui

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const liveSession = "0b8f7c1e-2d34-4a56-9b78-c9d0e1f2a3b4"

// sendLive sends an event to the fixture: one that is stored, or with a path that is no
// text, which is rejected.
func (f *fixture) sendLive(t *testing.T, path string) {
	t.Helper()
	f.sendEvents(t, fmt.Sprintf(`{"session_id":%q,"category":"page interaction","name":"pageview","data":{"host":"live.example.com","path":%s},"timestamp":%q}`,
		liveSession, path, time.Now().UTC().Format(time.RFC3339Nano)))
}

func TestLive(t *testing.T) {
	f := newEmptyFixture(t)
	p := f.open(t, "/ui/live?from=7d&to=now&tz=UTC")
	p.awaitText("[role=status]", "listening")
	f.sendLive(t, `"/first"`)
	p.awaitText(".windowed", "/first")
	f.sendLive(t, `17`)
	p.awaitText(".rejected-row", "/data/path")
	p.awaitText(".rejected-row .why code", "schema_violation")
	p.checkScreen("live")

	// Paused, the rows stay as they are; the new ones are counted, and come when it goes on.
	p.clickText(".panel-tools button", "Pause")
	p.awaitText("[role=status]", "paused")
	f.sendLive(t, `"/second"`)
	p.awaitText(".panel-tools button", "Go on: 1 new")
	if rows := p.text(".windowed"); strings.Contains(rows, "/second") {
		t.Errorf("paused, the screen shows %s", rows)
	}
	p.clickText(".panel-tools button", "Go on")
	p.awaitText(".windowed", "/second")

	// A rejected event opens with its reasons.
	p.clickText(".rejected-row a", ":")
	p.awaitText(".drawer", "/data/path")
	p.awaitText(".drawer", "The bytes as they were received")
	p.checkScreen("live-event")
	p.press("\x1b")
	p.await(`!document.querySelector(".drawer")`)

	// One outcome alone, and a filter.
	p.clickText(".segments button", "Rejected")
	p.await(`location.search.includes("outcome=rejected")`)
	p.await(`!document.querySelector(".windowed")`) // the stream before has rows
	p.awaitText("[role=status]", "listening")
	f.sendLive(t, `"/third"`)
	f.sendLive(t, `18`)
	p.awaitText(".windowed", "schema_violation")
	if rows := p.text(".windowed"); strings.Contains(rows, "/third") {
		t.Errorf("of rejected events alone the screen shows %s", rows)
	}
	// The call streams the same.
	command := p.copies("Outcomes: more", "Copy as curl")
	if !strings.Contains(command, "/v1/live?outcome=rejected") {
		t.Errorf("the call is %s", command)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command+" --max-time 2 --dump-header - -H 'Last-Event-ID: 0-0'")
	cmd.Env = append(os.Environ(), "EYE_TOKEN="+operatorToken)
	if out, _ := cmd.Output(); !strings.Contains(string(out), "text/event-stream") {
		t.Errorf("the call answers %s", out)
	}
}

// The server stops and starts again: the screen says so, and goes on by itself.
func TestLiveReconnects(t *testing.T) {
	f := newEmptyFixture(t)
	p := f.open(t, "/ui/live?from=7d&to=now&tz=UTC")
	p.expect("ERR_CONNECTION_REFUSED")
	p.expect("ERR_INCOMPLETE_CHUNKED_ENCODING")
	p.expect("503")
	p.awaitText("[role=status]", "listening")
	f.sendLive(t, `"/before"`)
	p.awaitText(".windowed", "/before")
	f.up.Stop()
	p.awaitText("[role=status]", "the connection was lost")
	if err := f.up.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.awaitText("[role=status]", "listening")
	f.sendLive(t, `"/after"`)
	p.awaitText(".windowed", "/after")
	p.awaitText(".windowed", "/before")
}
