package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/theeye/theeye/theeye/output"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script that completes commands and flags.
func (c *completionCmd) Run(p *output.Printer, parser *kong.Kong) error {
	words := completionWords(parser.Model.Node, "", nil)
	script := bashCompletion
	switch c.Shell {
	case "zsh":
		script = "autoload -Uz bashcompinit && bashcompinit\n" + bashCompletion
	case "fish":
		return p.Document(fishCompletion(words))
	}
	var cases strings.Builder
	for _, w := range words {
		fmt.Fprintf(&cases, "    %q) words=%q ;;\n", w.command, strings.Join(w.words, " "))
	}
	return p.Document(fmt.Sprintf(script, cases.String()))
}

// completion is a command, and the words that may follow it.
type completion struct {
	command string
	words   []string
}

// completionWords lists the commands below a node. Flags of a node are also those
// of the command that it stands for.
func completionWords(n *kong.Node, command string, list []completion) []completion {
	at := completion{command: command}
	for _, child := range n.Children {
		if !child.Hidden {
			at.words = append(at.words, child.Name)
		}
	}
	nodes := []*kong.Node{n}
	if n.DefaultCmd != nil {
		nodes = append(nodes, n.DefaultCmd)
	}
	for _, node := range nodes {
		for _, group := range node.AllFlags(true) {
			for _, flag := range group {
				at.words = append(at.words, "--"+flag.Name)
			}
		}
	}
	slices.Sort(at.words)
	at.words = slices.Compact(at.words)
	list = append(list, at)
	for _, child := range n.Children {
		list = completionWords(child, strings.TrimSpace(command+" "+child.Name), list)
	}
	return list
}

// bashCompletion takes the words that follow the longest command on the line.
// Arguments complete to files.
const bashCompletion = `# theeye: completion of commands and flags.
_theeye() {
  local cur="${COMP_WORDS[COMP_CWORD]}" command="" words="" next i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${command:+$command }${COMP_WORDS[i]}"
    case "${COMP_WORDS[i]}" in -*) continue ;; esac
    _theeye_words "$next" && command="$next"
  done
  _theeye_words "$command"
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
_theeye_words() {
  case "$1" in
%s    *) return 1 ;;
  esac
}
complete -o default -F _theeye theeye
`

// fishCompletion is the same for fish.
func fishCompletion(words []completion) string {
	var b strings.Builder
	b.WriteString("# theeye: completion of commands and flags.\n")
	for _, w := range words {
		condition := "__fish_use_subcommand"
		if w.command != "" {
			condition = "string match -q -- '*theeye " + w.command + " *' (commandline -cp)"
		}
		for _, word := range w.words {
			if flag, ok := strings.CutPrefix(word, "--"); ok {
				fmt.Fprintf(&b, "complete -c theeye -n %q -l %s\n", condition, flag)
			} else {
				fmt.Fprintf(&b, "complete -c theeye -f -n %q -a %s\n", condition, word)
			}
		}
	}
	return b.String()
}
