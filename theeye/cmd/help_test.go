package cmd

import (
	"io"
	"strings"
	"testing"
)

// up, version and help need no example.
func TestEveryCommandHasHelpAndAnExample(t *testing.T) {
	parser, err := newParser(&cli{}, io.Discard, io.Discard)
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
		if name == "up" || name == "version" || name == "help" {
			continue
		}
		code, out, _ := call(t, append(words, "--help")...)
		if code != 0 || strings.Count(out, "theeye "+name) < 2 || !strings.Contains(out, "xample") {
			t.Errorf("%s --help (%d) has no example:\n%s", name, code, out)
		}
	}
}

// Help is the same however it is asked for, and wherever the flag stands.
func TestHelpIsAskedForInEveryForm(t *testing.T) {
	for command, want := range map[string]string{
		"":           "rejected",
		"events":     "--from",
		"schema":     "history",
		"schema put": "--match",
		"replay":     "--dry-run",
		"audit":      "--repair",
		"up":         "--data",
	} {
		words := strings.Fields(command)
		_, wanted, _ := call(t, append(words, "--help")...)
		if !strings.Contains(wanted, want) {
			t.Errorf("%s --help has no %s:\n%s", command, want, wanted)
		}
		for _, args := range [][]string{append([]string{"help"}, words...), append(words, "-h"), append([]string{"-h"}, words...), append([]string{"--json"}, append(words, "-h")...)} {
			if code, out, errs := call(t, args...); code != 0 || out != wanted && args[0] != "-h" || !strings.Contains(out, "theeye") {
				t.Errorf("%q: %d %s, not the help of %q:\n%s", args, code, errs, command, out)
			}
		}
	}
	if code, _, errs := call(t, "help", "nothing"); code != 2 || !strings.Contains(errs, "nothing") {
		t.Errorf("help of nothing: %d %s", code, errs)
	}
}
