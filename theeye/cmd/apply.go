package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/theeye/output"
)

type applyCmd struct {
	serverFlags
	noteFlag
	yesFlag
	Dir    string `arg:"" help:"Folder with applications/, schemas/ and policy.json."`
	DryRun bool   `help:"Print the difference and change nothing."`
	Prune  bool   `help:"Also remove what the folder does not declare: schemas if it has schemas/, applications if it has applications/. Asks before."`
}

// Run compares the folder with the registry, prints the difference, and applies
// it.
func (c *applyCmd) Run(p *output.Printer) error {
	declared, err := c.loadFolder()
	if err != nil {
		return err
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	plan, err := c.makePlan(ctx, p, server, declared)
	if err != nil {
		return err
	}
	if !p.JSON {
		if err := plan.printDifference(p); err != nil {
			return err
		}
	}
	if n := plan.countRemovals(); n > 0 && !c.DryRun {
		if err := c.confirm(p, fmt.Sprintf("%d of the changes remove what is registered.", n)); err != nil {
			return err
		}
	}
	if !c.DryRun {
		err = c.applyPlan(ctx, p, server, plan)
	}
	return errors.Join(err, plan.printSummary(p))
}

// loadFolder reads and validates the declarations.
func (c *applyCmd) loadFolder() ([]declare.Declared, error) {
	d, err := declare.LoadDir(os.DirFS(c.Dir))
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", c.Dir, err)}
	}
	files := d.Files()
	if c.Prune && len(files) == 0 {
		// Probably the wrong folder. Without its applications, the registry
		// would refuse the events of every site.
		return nil, usageErrorf("%s declares nothing: --prune would remove everything", c.Dir)
	}
	return files, nil
}

// makePlan reads the registry and determines the changes.
func (c *applyCmd) makePlan(ctx context.Context, p *output.Printer, server *client.Client, declared []declare.Declared) (*plan, error) {
	registered, err := readRegistered(ctx, server)
	if err != nil {
		return nil, err
	}
	if err := registered.readSchemas(ctx, p, server, declared); err != nil {
		return nil, err
	}
	plan := &plan{DryRun: c.DryRun, Changes: []*planStep{}}
	for _, d := range declared {
		s, err := registered.stepFor(d)
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", d.File, err)
		}
		plan.addStep(s)
	}
	if c.Prune {
		for _, s := range registered.pruneSteps(declared, c.prunedKinds(p)) {
			plan.addStep(s)
		}
	}
	plan.sortSteps()
	return plan, nil
}

// prunedKinds returns the kinds that the folder declares whole: those with a folder
// of their own in it. A folder that holds schemas alone says nothing about
// applications.
func (c *applyCmd) prunedKinds(p *output.Printer) (kinds []string) {
	for _, k := range []struct{ folder, kind, plural string }{
		{"schemas", editor.KindSchema, "schemas"}, {"applications", editor.KindApplication, "applications"},
	} {
		if info, err := os.Stat(filepath.Join(c.Dir, k.folder)); err == nil && info.IsDir() {
			kinds = append(kinds, k.kind)
		} else {
			p.Remarkf("%s has no folder %s: no %s are removed", c.Dir, k.folder, k.plural)
		}
	}
	return kinds
}

// applyPlan makes the changes one after the other, until one fails.
func (c *applyCmd) applyPlan(ctx context.Context, p *output.Printer, server *client.Client, plan *plan) error {
	bar := p.StartBar("Applying", int64(len(plan.Changes)))
	defer bar.Stop()
	for _, s := range plan.Changes {
		if err := c.applyStep(ctx, server, s); err != nil {
			return fmt.Errorf("%s: %w", s.File, err)
		}
		bar.Advance(1)
	}
	return nil
}

func (c *applyCmd) applyStep(ctx context.Context, server *client.Client, s *planStep) error {
	r := client.Request{Method: http.MethodPut, Path: s.path, Body: s.body, IfMatch: client.Match(s.Was), Note: c.Note}
	if s.Action == actionRemoved {
		r.Method = http.MethodDelete
	}
	var changed api.ChangedPolicy // the revision, which every change answers
	_, err := server.Call(ctx, r, &changed)
	var p *client.ProblemError
	if errors.As(err, &p) && p.Status == http.StatusPreconditionFailed {
		who := "another client"
		if p.Retried {
			who = "another client, or an attempt before this one,"
		}
		return fmt.Errorf("%s changed it meanwhile; run apply again to see what is there now: %w", who, err)
	}
	if err != nil {
		return err
	}
	s.Revision, s.Done = changed.Revision, true
	return nil
}
