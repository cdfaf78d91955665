package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/test/harness"
)

// errNotShown says that a command printed something else than it will.
var errNotShown = errors.New("not shown yet")

// fences are the commands and programs of a document that are run; programs for
// pages are run by package pages.
var fences = regexp.MustCompile("(?ms)^```(sh|python|go|mjs)\n(.*?)^```")

// documentBlock is a block of commands, or a program.
type documentBlock struct{ language, text string }

// command is the block as a command of sh.
func (b documentBlock) command(t *testing.T, dir string) string {
	t.Helper()
	switch b.language {
	case "python":
		clients, err := filepath.Abs(filepath.Join("..", "..", "clients", "python"))
		if err != nil {
			t.Fatal(err)
		}
		return "PYTHONPATH='" + clients + "' python3 " + b.save(t, dir, "send.py")
	case "mjs":
		// Beside the project's client, as npm installs it.
		client, err := filepath.Abs(filepath.Join("..", "..", "clients", "js"))
		if err != nil {
			t.Fatal(err)
		}
		return "mkdir -p node_modules && ln -sfn '" + client + "' node_modules/theeye && node " + b.save(t, dir, "send.mjs")
	case "go":
		// In a module that has the project's client at hand, as the reader's has.
		b.save(t, dir, "send.go")
		return "(cd " + b.saveModule(t, dir) + " && GOFLAGS= GOWORK=off go run ../send.go)"
	}
	return b.text
}

// saveModule makes the module of a program that uses the Go client, and returns its
// folder.
func (b documentBlock) saveModule(t *testing.T, dir string) string {
	t.Helper()
	client, err := filepath.Abs(filepath.Join("..", "..", "clients", "go"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "reader")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	module := "module example.com/reader\n\ngo 1.25.0\n\nrequire github.com/theeye/theeye/clients/go v0.0.0\n\nreplace github.com/theeye/theeye/clients/go => " + client + "\n"
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func (b documentBlock) save(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readBlocks returns the blocks of a document, with the address of this
// installation.
func readBlocks(t *testing.T, path, listen string) (blocks []documentBlock) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range fences.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, documentBlock{block[1], strings.ReplaceAll(strings.TrimSpace(block[2]), "127.0.0.1:8080", listen)})
	}
	return blocks
}

// documents are those with commands, in the order in which a reader meets them,
// and a text that each of their blocks prints.
var documents = []struct {
	path  string
	shown []string
}{
	{"README.md", []string{
		"make run", `"accepted":1`, `"element":"chat bubble"`, `"accepted":1`, "schema_violation",
		"", "shop / order: created", "accepted 1, refused 0", "12.50", "accepted 1, refused 0", "schema_violation",
		"totals are numbers, too", "1 newly valid", "enabled", "make test",
	}},
	{"docs/sending.md", []string{
		`"accepted":1`, `"status":"rejected"`, `"accepted":2`, `"accepted":2`, "accepted=1", "accepted: 1", "accepted: 1", "stored 1, rejected 0",
	}},
	{"clients/python/README.md", []string{"accepted=1"}},
	{"clients/go/README.md", []string{"Accepted:1"}},
	{"clients/js/README.md", []string{"accepted: 1"}},
	{"docs/replay.md", []string{
		"", "travel / booking: created", "accepted 4, refused 0", "schema_violation",
		"not this one", "2 newly valid, 0 newly rejected, 1 still rejected, 1 unchanged",
		"travel / booking: changed", "2 newly valid, 0 newly rejected, 1 still rejected, 0 unchanged",
		"2 newly valid, 0 newly rejected, 1 still rejected, 0 unchanged", `{"total":7}`,
		"0 MISSING", "when received",
		"accepted 1, refused 0", "unknown_type", "travel / offer: created", "1 newly valid, 0 newly rejected, 0 still rejected",
	}},
	{"docs/operations.md", []string{"0 days differ", "./backup-1: ", "./restored: restored as of ", "0 MISSING"}},
	// theeye demo counts while it makes the events: its own figures are those of 1041
	// sessions, of pages, of the funnel within sessions and of the revenue.
	{"docs/analytics.md", []string{
		"1041 sessions of 223 visitors", "In all 1041.", "/products  2973   21.8 %", "/pricing  456", "In all 205.",
		"shop / purchase                                                   33     4.2 %", "(all)  shop / purchase     50     32.9 %",
		`"size":16,"returned":[`, `"sessions":788`, "In all 4534.16.", "tablet   924", "page interaction", "u-000263,174.7,null", "unknown_type", `"code":"unknown_type"`, `"revenue"`,
	}},
	{"docs/adapters.md", []string{
		"adapters: cloudevents, segment, snowplow", `"data":{"messageId":"m-1","anonymousId":"a-1","properties":{"total":"12.50"}}`,
		"would be stored 0, rejected 1, refused 0",
		"Content-Type: image/gif", `"accepted":1`, `"accepted":1`, "200 image/gif", "booking",
	}},
}

// TestDocuments runs the commands of all documents in their order, as printed, on
// one installation. Ports are replaced only where this machine uses them already.
func TestDocuments(t *testing.T) {
	listen, up := startAsPrinted(t, binaries(t).TheEye)
	d := newReader(t, listen)
	for n, document := range documents {
		blocks := readBlocks(t, document.path, listen)
		if len(blocks) != len(document.shown) {
			t.Fatalf("%s has %d blocks, want %d: %q", document.path, len(blocks), len(document.shown), blocks)
		}
		for i, block := range blocks {
			if strings.HasPrefix(block.text, "make ") { // what this test is part of
				if block.text != document.shown[i] {
					t.Errorf("%s: %q", document.path, block.text)
				}
				continue
			}
			d.run(t, block, document.shown[i])
		}
		if n == 0 {
			testGreeting(t, up)
		}
	}
}

// reader runs blocks in one shell, as it were: the next ones have what one
// exports, and the files that it makes.
type reader struct{ dir, exported, listen string }

func newReader(t *testing.T, listen string) reader {
	t.Helper()
	dir := t.TempDir()
	r := reader{dir, filepath.Join(dir, "exported"), listen}
	if err := os.WriteFile(r.exported, []byte("export EYE_URL=http://"+listen+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binaries(t).TheEye, filepath.Join(dir, "bin", "theeye")); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs a block, which prints a text among others. A block that only asks is
// asked until it shows that.
func (r reader) run(t *testing.T, block documentBlock, shown string) {
	t.Helper()
	script := "set -e; cd " + r.dir + "; . " + r.exported + "; " + block.command(t, r.dir) + "\nexport -p > " + r.exported
	for _, asks := range []string{"theeye events", "theeye rejected", "theeye stats", "theeye top", "theeye funnel", "theeye export", "curl -sS \"$EYE_URL/v1/stats", "curl -sS 'http://", "curl -sS http://" + r.listen + "/v1/rejected"} {
		if strings.HasPrefix(block.text, asks) {
			shows(t, script, shown)
			return
		}
	}
	if out := shell(t, script); !strings.Contains(out, shown) {
		t.Errorf("%s\nprints %s, without %s", block.text, out, shown)
	}
}

// testGreeting runs the command lines that `theeye up --dev` printed.
func testGreeting(t *testing.T, up *harness.Process) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(up.Output()) {
		if strings.HasPrefix(line, "curl ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != 2 {
		t.Fatalf("it printed the command lines %q", lines)
	}
	var sent struct {
		Results []struct {
			EventID string `json:"event_id"`
		} `json:"results"`
	}
	out := shell(t, lines[0])
	if err := json.Unmarshal([]byte(out), &sent); err != nil || len(sent.Results) != 1 || sent.Results[0].EventID == "" {
		t.Fatalf("sending prints %s, %v", out, err)
	}
	shows(t, lines[1], sent.Results[0].EventID)
}

// startAsPrinted starts `theeye up --dev` as `make run` does, in a new folder, and
// returns where it listens.
func startAsPrinted(t *testing.T, program string) (string, *harness.Process) {
	t.Helper()
	up := &harness.Process{Name: "theeye", Path: program, Args: []string{"up", "--dev"}, Dir: t.TempDir()}
	listen, admin := "127.0.0.1:8080", "127.0.0.1:8090"
	if !isFree(listen) || !isFree(admin) {
		listen, admin = daemontest.FreeAddr(), daemontest.FreeAddr()
		up.Args = append(up.Args, "--listen", listen)
		up.Env = []string{"EYE_ADMIN_LISTEN=" + admin}
	}
	t.Cleanup(up.Stop)
	up.ReadyURL = "http://" + admin + "/readyz"
	if err := up.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	(&fixture{Pipeline: &harness.Pipeline{Processes: []*harness.Process{up}}}).logs(t, "\ncurl -sS '")
	if info, err := os.Stat(filepath.Join(up.Dir, "data")); err != nil || !info.IsDir() {
		t.Errorf("there is no ./data: %v", err)
	}
	return listen, up
}

func isFree(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// shell has sh run a command as it stands.
func shell(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // a proxy does not know this machine
		return strings.Contains(strings.ToLower(v), "_proxy=")
	})
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", command, err, out)
	}
	return string(out)
}

// shows waits until a command prints a text.
func shows(t *testing.T, command, text string) {
	t.Helper()
	eventually(t, func() error {
		if out := shell(t, command); !strings.Contains(out, text) {
			return fmt.Errorf("%w: %s in %s", errNotShown, text, out)
		}
		return nil
	})
}
