package cmd

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// up and version need no example.
func TestEveryCommandHasHelpAndAnExample(t *testing.T) {
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	leaves := parser.Model.Leaves(true)
	if len(leaves) < 15 {
		t.Fatalf("%d commands", len(leaves))
	}
	for _, leaf := range leaves {
		words := strings.Fields(leaf.Path())
		for i, word := range words {
			if strings.HasPrefix(word, "<") || strings.HasPrefix(word, "[") {
				words = words[:i]
				break
			}
		}
		name := strings.Join(words, " ")
		if leaf.Help == "" {
			t.Errorf("%s does not say what it does", name)
		}
		if name == "up" || name == "version" {
			continue
		}
		code, out, _ := call(t, append(words, "--help")...)
		if code != 0 || strings.Count(out, "theeye "+name) < 2 || !strings.Contains(out, "xample") {
			t.Errorf("%s --help (%d) has no example:\n%s", name, code, out)
		}
	}
}
