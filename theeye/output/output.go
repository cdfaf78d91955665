// Package output prints the results of commands: lines, tables, JSON and
// progress bars. Events, answers of servers and arguments can contain any text;
// this package lets no character of them control the terminal.
package output

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Printer is where a command prints. One goroutine uses it.
type Printer struct {
	// Out gets the result of the command, Err remarks and progress.
	Out, Err io.Writer
	// JSON asks for results that machines read.
	JSON bool
	// CSV asks for tables that spreadsheets read, whole and without charts.
	CSV bool
	// Width is the number of columns of the terminal that tables are fitted to;
	// 0 fits nothing.
	Width int
	// Color marks headers, and cells that name a problem.
	Color bool
	// Zone is the zone of times for people; nil is UTC, as machines read them.
	Zone *time.Location
	// Wrong reports whether a cell names a problem, by its header and text; it may
	// be nil.
	Wrong func(header, text string) bool
	// Expendable are headers of columns that a narrow terminal can do without,
	// the first to leave out first.
	Expendable []string
	// Rigid are headers of columns whose cells are not cut.
	Rigid []string
	// Middle are headers of columns whose cells are cut in the middle, such as paths, which
	// differ at their ends.
	Middle []string

	writeErr error
	zoned    bool // a time in Zone was printed or read
}

// New returns the printer of a command that prints to out and errs. On a
// terminal its tables fit the width, unless wide is set, its times are local,
// and it uses colours unless NO_COLOR is set.
func New(out, errs io.Writer, asJSON, wide bool) *Printer {
	p := &Printer{Out: out, Err: errs, JSON: asJSON}
	if asJSON || !isTerminal(out) {
		return p
	}
	p.Zone = time.Local
	p.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if !wide {
		p.Width = terminalWidth(out)
	}
	return p
}

// defaultWidth is that of a terminal that does not say.
const defaultWidth = 80

// terminalWidth returns the number of columns of a terminal.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return defaultWidth
}

// Chart reports whether tables have charts: on a terminal, which people look at.
func (p *Printer) Chart() bool { return p.Zone != nil }

// UseCSV makes the printer print tables as CSV, in which times are those of machines.
func (p *Printer) UseCSV() {
	p.CSV, p.Width, p.Color, p.Zone = true, 0, false, nil
}

// Finish ends the output: it says in which zone times were, and returns the first
// error of writing a table. Tables report no error themselves: a command must
// fail with this one at its end.
func (p *Printer) Finish() error {
	if p.zoned {
		now := time.Now().In(p.Zone)
		if name, offset := now.Zone(); offset != 0 {
			p.Remarkf("Times are local: %s (%s).", name, now.Format("-07:00"))
		}
		p.zoned = false
	}
	return p.writeErr
}

// Linef prints one line of the result. As CSV, of which it would be no row, it is a
// remark.
func (p *Printer) Linef(format string, args ...any) error {
	if p.CSV {
		p.Remarkf(format, args...)
		return nil
	}
	_, err := fmt.Fprintln(p.Out, Plain(fmt.Sprintf(format, args...)))
	return err
}

// TerminalText returns a writer of text of unknown origin: where the result goes to a
// terminal, one that lets no character control it, else Out as it is. It is written
// whole lines.
func (p *Printer) TerminalText() io.Writer {
	if !isTerminal(p.Out) {
		return p.Out
	}
	return plainWriter{p.Out}
}

// OnTerminal reports whether the result goes to a terminal.
func (p *Printer) OnTerminal() bool { return isTerminal(p.Out) }

type plainWriter struct{ w io.Writer }

func (w plainWriter) Write(b []byte) (int, error) {
	_, err := io.WriteString(w.w, Plain(strings.ReplaceAll(string(b), "\r\n", "\n")))
	return len(b), err
}

// Lines prints lines of the result.
func (p *Printer) Lines(lines []string) error {
	for _, line := range lines {
		if err := p.Linef("%s", line); err != nil {
			return err
		}
	}
	return nil
}

// Remarkf prints a line that is not part of the result.
func (p *Printer) Remarkf(format string, args ...any) {
	_, _ = fmt.Fprintln(p.Err, Plain(fmt.Sprintf(format, args...)))
}

// Hintf prints what a person could do next, on a terminal alone.
func (p *Printer) Hintf(format string, args ...any) {
	if isTerminal(p.Err) && !p.JSON {
		p.Remarkf(format, args...)
	}
}

// Value prints one JSON value on one line. The numbers of a jsontext.Value are
// printed as they are written there.
func (p *Printer) Value(v any) error {
	text, ok := v.(jsontext.Value)
	if !ok {
		var err error
		if text, err = json.Marshal(v, json.Deterministic(true)); err != nil {
			return fmt.Errorf("encode the output: %w", err)
		}
	} else if text = text.Clone(); text.Compact() != nil {
		return fmt.Errorf("the answer is no JSON; is --url right?")
	}
	return p.writeJSON(append(escapeControls(text), '\n'))
}

// Document prints a JSON text of one or more lines.
func (p *Printer) Document(text string) error {
	return p.writeJSON(escapeControls([]byte(text)))
}

func (p *Printer) writeJSON(text []byte) error {
	if _, err := p.Out.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// writeTable prints a part of a table and keeps the first error for Finish.
func (p *Printer) writeTable(text []byte) {
	if _, err := p.Out.Write(text); err != nil && p.writeErr == nil {
		p.writeErr = fmt.Errorf("print: %w", err)
	}
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
