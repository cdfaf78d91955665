package main

import "fmt"

// sayf prints a line of what was asked for. What people typed and what servers
// answered is in it: control characters do not reach the terminal.
func (t *terminal) sayf(format string, args ...any) error {
	_, err := fmt.Fprintln(t.out, plain(fmt.Sprintf(format, args...)))
	return err
}

// remarkf prints a line that is not what was asked for.
func (t *terminal) remarkf(format string, args ...any) {
	_, _ = fmt.Fprintln(t.err, plain(fmt.Sprintf(format, args...)))
}

// document prints a JSON text of one line or more.
func (t *terminal) document(text string) error {
	if _, err := t.out.Write(harmless([]byte(text))); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
