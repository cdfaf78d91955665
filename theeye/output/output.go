// Package output prints the results of commands: lines, tables, JSON and
// progress bars. Events, answers of servers and arguments can contain any text;
// this package lets no character of them control the terminal.
package output

import (
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mattn/go-isatty"
)

// Printer is where a command prints. One goroutine uses it.
type Printer struct {
	// Out gets the result of the command, Err remarks and progress.
	Out, Err io.Writer
	// JSON asks for results that machines read.
	JSON bool

	writeErr error
}

// WriteErr returns the first error of writing a table. Tables report no error
// themselves: a command must fail with this one at its end.
func (p *Printer) WriteErr() error { return p.writeErr }

// Linef prints one line of the result.
func (p *Printer) Linef(format string, args ...any) error {
	_, err := fmt.Fprintln(p.Out, Plain(fmt.Sprintf(format, args...)))
	return err
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

// Value prints one JSON value on one line. The numbers of a jsontext.Value are
// printed as they are written there.
func (p *Printer) Value(v any) error {
	text, ok := v.(jsontext.Value)
	if !ok {
		var err error
		if text, err = json.Marshal(v); err != nil {
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

// writeTable prints a part of a table and keeps the first error for WriteErr.
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
