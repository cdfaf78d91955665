package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/theeye/theeye/shared/registry"
)

type applyCmd struct {
	remote
	noted
	Dir    string `arg:"" help:"Folder with applications/, schemas/ and policy.json."`
	DryRun bool   `help:"Print the difference and change nothing."`
	Prune  bool   `help:"Also remove schemas, applications and the policy that the folder does not declare."`
}

// Help is the longer text of --help.
func (applyCmd) Help() string {
	return "Prints what differs between the folder and the registry, then puts it there. A declaration that somebody\n" +
		"else changes meanwhile is left as it is, and the command fails.\n\n" +
		"Example:\n  theeye apply ./registry --dry-run"
}

// Run compares, prints and applies.
func (c *applyCmd) Run(t *terminal) error {
	declared, err := c.load()
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	p, err := c.compare(ctx, t, client, declared)
	if err != nil {
		return err
	}
	if !t.json {
		if err := p.printDifference(t); err != nil {
			return err
		}
	}
	if !c.DryRun {
		err = c.carryOut(ctx, t, client, p)
	}
	return errors.Join(err, p.printSummary(t))
}

// load reads the folder. Its faults are of what the command was given.
func (c *applyCmd) load() ([]registry.Declared, error) {
	d, err := registry.LoadDir(os.DirFS(c.Dir))
	if err != nil {
		return nil, invalid{fmt.Errorf("%s: %w", c.Dir, err)}
	}
	files := d.Files()
	if c.Prune && len(files) == 0 {
		// Most likely the wrong folder, and a registry without applications
		// makes every site lose its events.
		return nil, invalidf("%s declares nothing: --prune would remove everything", c.Dir)
	}
	return files, nil
}

// compare asks for what the registry has and plans what to change.
func (c *applyCmd) compare(ctx context.Context, t *terminal, client *client, declared []registry.Declared) (*plan, error) {
	there, err := askPresent(ctx, client)
	if err != nil {
		return nil, err
	}
	if err := there.read(ctx, t, client, declared); err != nil {
		return nil, err
	}
	p := &plan{DryRun: c.DryRun, Changes: []*step{}}
	for _, d := range declared {
		s, err := there.compare(d)
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", d.File, err)
		}
		p.add(s)
	}
	if c.Prune {
		for _, s := range there.undeclared(declared) {
			p.add(s)
		}
	}
	p.sort()
	return p, nil
}

// carryOut makes the changes, one after the other, until one fails.
func (c *applyCmd) carryOut(ctx context.Context, t *terminal, client *client, p *plan) error {
	bar := t.progress("Applying", int64(len(p.Changes)))
	defer bar.stop()
	for _, s := range p.Changes {
		if err := c.carryOutOne(ctx, client, s); err != nil {
			return fmt.Errorf("%s: %w", s.File, err)
		}
		bar.add(1)
	}
	return nil
}

func (c *applyCmd) carryOutOne(ctx context.Context, client *client, s *step) error {
	r := request{method: http.MethodPut, path: s.path, body: s.body, match: matching(s.Was), note: c.Note}
	if s.Action == removed {
		r.method = http.MethodDelete
	}
	var answer struct {
		Revision uint64 `json:"revision"`
	}
	_, err := client.change(ctx, r, &answer)
	var told *answered
	if errors.As(err, &told) && told.Status == http.StatusPreconditionFailed {
		who := "somebody else"
		if told.again {
			who = "somebody else, or an attempt before this one,"
		}
		return fmt.Errorf("%s changed it meanwhile; run apply again to see what is there now: %w", who, err)
	}
	if err != nil {
		return err
	}
	s.Revision, s.Done = answer.Revision, true
	return nil
}
