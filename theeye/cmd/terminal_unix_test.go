//go:build !windows

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mattn/go-runewidth"
)

// tables are the commands that print a table, each with what makes it print one.
// %s is the id of a session, of an event, or of a job.
var tables = map[string]string{
	"app list": "", "app show": "web", "token list": "", "schema list": "", "schema history": "'page interaction' pageview",
	"events": "", "rejected": "", "types": "", "changes": "", "status": "", "replay list": "", "audit list": "", "retention list": "", "policy history": "",
	"sessions": "--from 2020-01-01", "trace": "0176bd3b-5263-7b3a-bea6-2c823bd62389", "replay show": `"$(cat job)"`,
	"stats series": "--from 2021-01-01 --to 2021-01-08 --group-by data.path", "top": "data.host --from 2020-01-01", "fields": "--from 2020-01-01",
	"funnel":       "'page interaction / pageview' 'data.element exists' --from 2020-01-01",
	"replay start": "--dry-run", "event": "0176bd3b-5263-7b3a-bea6-2c823bd62389", "validate": "faults.ndjson",
}

// noTables are the commands that print none.
var noTables = []string{
	"up", "apply", "schema show", "schema put", "schema check", "schema infer", "schema delete", "app create", "app rotate", "app disable", "app enable", "app delete", "app set",
	"token create", "token revoke", "send", "demo", "replay cancel", "audit start", "audit show", "audit cancel", "help", "version", "backup", "restore",
	"policy show", "policy put", "retention show", "retention start", "retention cancel", "export-config", "completion", "doctor", "stats verify", "export", "tail",
}

// runOnTerminal runs a command with a terminal as standard output, and returns
// the text on it. Standard error is discarded.
func (e *eye) runOnTerminal(t *testing.T, line string, columns uint16) string {
	t.Helper()
	terminal, program, err := pty.Open()
	if err != nil {
		t.Fatalf("this test needs a pseudo-terminal: %v", err)
	}
	defer func() { _ = terminal.Close() }()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 50, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	cmd := e.shellCommand(t.Context(), line)
	cmd.Stdout, cmd.Stderr = program, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close()
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, terminal) // ends with an error once the program has closed it
	if err, ended := cmd.Wait(), (*exec.ExitError)(nil); err != nil && (!errors.As(err, &ended) || ended.ExitCode() != 1) {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.ReplaceAll(shown.String(), "\r\n", "\n")
}

var colours = regexp.MustCompile("\x1b\\[(0|1|31)m")

// Every table of every command fits the terminal, in pieces that can be read, and
// no text of an event controls it.
func TestTablesFitTheTerminal(t *testing.T) {
	e := startEye(t)
	e.env = append(e.env, "TERM=xterm", "TZ=Asia/Kolkata")
	long := strings.Repeat("x", 150)
	for _, line := range []string{
		"theeye app create web --kind browser --origin https://a-long-name.shop.example --origin https://another.shop.example --events-per-second 100 --note " + long,
		"theeye app create api", "theeye token create jo --role analyst --application shop --note " + long, "theeye send visit.ndjson --wait",
		"theeye send faults.ndjson --wait",
		fmt.Sprintf(`echo '{"session_id":"e2085be5-9137-1e4e-80b5-f1ffddc25429","category":"\u001b[31mred","name":"東京\u0007%s","data":{},"timestamp":"2021-01-01T09:15:52Z"}' | theeye send --wait -`, long[:40]),
		"theeye audit > /dev/null", "theeye retention > /dev/null", "theeye policy put --retention-rejected 900d --no-wait", "theeye replay --dry-run --json > job.json; grep -o '\"id\":\"[^\"]*\"' job.json | head -n 1 | cut -d '\"' -f 4 > job",
	} {
		if out, err := e.shellCommand(t.Context(), line).CombinedOutput(); err != nil && !strings.Contains(line, "replay") && !strings.Contains(line, "--wait") {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	for command, args := range tables {
		for _, columns := range []uint16{40, 80, 120} {
			t.Run(fmt.Sprintf("%s at %d", command, columns), func(t *testing.T) {
				shown := e.runOnTerminal(t, "theeye "+command+" "+args, columns)
				checkShown(t, shown, columns, command == "status" && columns >= 80)
			})
		}
	}
	if shown := e.runOnTerminal(t, "theeye rejected", 80); !strings.Contains(shown, "\x1b[31munknown_type") {
		t.Errorf("what is wrong has no colour:\n%q", shown)
	}
	for line, want := range map[string]string{
		"NO_COLOR=1 theeye rejected":                    "unknown_type",
		"theeye rejected --json":                        `"code":"unknown_type"`,
		"theeye rejected | cat":                         "unknown_type",
		"TERM=dumb theeye rejected --wide --order asc":  "unknown_type",
		"NO_COLOR=1 theeye rejected --wide --limit 100": "0176bd3b-5263-7b3a-bea6-2c823bd62389",
	} {
		if shown := e.runOnTerminal(t, line, 80); strings.Contains(shown, "\x1b") || !strings.Contains(shown, want) {
			t.Errorf("%s shows\n%q", line, shown)
		}
	}
	// A machine reads UTC to the microsecond, a person local times.
	if shown := e.runOnTerminal(t, "theeye events --from '2021-01-01 14:45:20' --to '2021-01-01 14:45:21' 2>&1", 120); !strings.Contains(shown, "2021-01-01 14:45:20") ||
		!strings.Contains(shown, "Times are local: IST (+05:30).") || strings.Contains(shown, "14:45:27") {
		t.Errorf("local times are not read and shown:\n%s", shown)
	}
}

// checkShown fails unless the tables of an output fit, and every line where all is
// set.
func checkShown(t *testing.T, shown string, columns uint16, all bool) {
	t.Helper()
	table, rows := false, 0
	for line := range strings.Lines(shown) {
		line = strings.TrimSuffix(line, "\n")
		table = line != "" && (table || strings.HasPrefix(line, "\x1b[1m"))
		plain := colours.ReplaceAllString(line, "")
		if strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e }) {
			t.Errorf("a control character is shown: %q", line)
		}
		if !table && !all {
			continue
		}
		rows++
		if w := runewidth.StringWidth(plain); w > int(columns) {
			t.Errorf("%d of %d columns:\n%s", w, columns, plain)
		}
	}
	if rows < 2 {
		t.Errorf("no table is shown:\n%s", shown)
	}
}

// Each command is known to print a table or not, so that none is left out.
func TestEveryTableIsTested(t *testing.T) {
	known := map[string]bool{}
	for _, name := range noTables {
		known[name] = true
	}
	parser, err := newParser(&cli{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		name := commandName(leaf)
		if _, ok := tables[name]; !ok && !known[name] {
			t.Errorf("does %s print a table? Add it to tables or noTables", name)
		}
	}
}

// The health check of an image asks the admin listener of its settings.
func TestHealthIsThatOfTheRunningProcess(t *testing.T) {
	e := startEye(t)
	for line, want := range map[string]int{
		"EYE_ADMIN_LISTEN=" + e.admin + " theeye --health":                0,
		"theeye --health --admin-listen " + e.admin:                       0,
		"theeye up --health --admin-listen " + e.admin:                    0,
		"EYE_ADMIN_LISTEN=127.0.0.1:1 theeye --health":                    1,
		"EYE_ADMIN_LISTEN=nowhere theeye --health":                        1,
		"EYE_ADMIN_LISTEN=" + e.url[len("http://"):] + " theeye --health": 0, // the public /healthz, too
	} {
		cmd := e.shellCommand(t.Context(), line)
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want || (len(out) > 0) != (want != 0) {
			t.Errorf("%s: %v, want %d: %s", line, err, want, out)
		}
	}
}
