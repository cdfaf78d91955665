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

	"github.com/theeye/theeye/test/harness"
)

// errNotShown says that a command printed something else than it will.
var errNotShown = errors.New("not shown yet")

// fences are the shell commands of a document.
var fences = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// TestREADME runs the commands of the README in their order, as printed. Ports are
// replaced only where this machine uses them already.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := typed(string(text))
	last := len(commands) - 1
	if last != 4+len(walk) || commands[0] != "make run" || commands[last] != "make test" {
		t.Fatalf("the README has the commands %q", commands)
	}
	listen, up := standard(t, binaries(t).TheEye)
	for i, c := range commands {
		commands[i] = strings.ReplaceAll(c, "127.0.0.1:8080", listen)
	}
	send, query, rejected := commands[1], commands[2], commands[3]
	if out := shell(t, send); !strings.Contains(out, `"accepted":1`) {
		t.Errorf("sending prints %s", out)
	}
	shows(t, query, `"element":"chat bubble"`)
	without := strings.Replace(send, `, "element": "chat bubble"`, "", 1)
	if without == send {
		t.Fatal("the README's event has no element to leave out")
	}
	if out := shell(t, without); !strings.Contains(out, `"accepted":1`) {
		t.Errorf("sending without element prints %s", out)
	}
	shows(t, rejected, "schema_violation")
	testGreeting(t, up)
	testWalk(t, commands[4:last], walk, listen)
}

// typed are the blocks of shell commands of a document.
func typed(text string) (blocks []string) {
	for _, block := range fences.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, strings.TrimSpace(block[1]))
	}
	return blocks
}

// walk is what the blocks of "Operate it" print, among other things.
var walk = []string{
	"", "shop / order: created", "accepted 1, refused 0", "12.50", "accepted 1, refused 0", "schema_violation",
	"totals are numbers, too", "1 newly valid", "disabled",
}

// testWalk runs the blocks of a document in one shell, as it were: what one
// exports, and the files that it makes, the next ones have. Each prints, among
// other things, what stands in shown. A block that only asks for events is asked
// until it shows that.
func testWalk(t *testing.T, blocks, shown []string, listen string) {
	t.Helper()
	dir := t.TempDir()
	exported := filepath.Join(dir, "exported")
	if err := os.WriteFile(exported, []byte("export EYE_URL=http://"+listen+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binaries(t).TheEye, filepath.Join(dir, "bin", "theeye")); err != nil {
		t.Fatal(err)
	}
	for i, block := range blocks {
		script := "set -e; cd " + dir + "; . " + exported + "; " + block + "\nexport -p > " + exported
		if strings.HasPrefix(block, "theeye events") || strings.HasPrefix(block, "theeye rejected") {
			shows(t, script, shown[i])
		} else if out := shell(t, script); !strings.Contains(out, shown[i]) {
			t.Errorf("%s\nprints %s", block, out)
		}
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

// standard starts `theeye up --dev` as `make run` does, in a new folder, and
// returns where it listens.
func standard(t *testing.T, program string) (string, *harness.Process) {
	t.Helper()
	up := &harness.Process{Name: "theeye", Path: program, Args: []string{"up", "--dev"}, Dir: t.TempDir()}
	listen, admin := "127.0.0.1:8080", "127.0.0.1:8090"
	if !isFree(listen) || !isFree(admin) {
		var err1, err2 error
		listen, err1 = harness.FreeAddr()
		admin, err2 = harness.FreeAddr()
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
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
