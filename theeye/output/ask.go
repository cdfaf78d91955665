package output

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
)

// ErrNoTerminal says that a question cannot be asked: input or output is not a
// terminal.
var ErrNoTerminal = errors.New("there is no terminal to ask on")

// Ask asks a question on the terminal and returns whether the answer is yes.
func (p *Printer) Ask(question string) (bool, error) {
	if !isTerminal(p.Err) || !isTerminal(os.Stdin) {
		return false, ErrNoTerminal
	}
	if _, err := io.WriteString(p.Err, Plain(question)+" [y/N] "); err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(io.LimitReader(os.Stdin, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
