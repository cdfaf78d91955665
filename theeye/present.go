package main

import (
	"context"
	"net/http"
	"reflect"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// present is what the registry has, as far as a folder is compared with it.
type present struct {
	schemas      map[schema.Type]held
	policy       held
	applications map[string]application
}

// held is a schema or a policy that is there: revision 0 is none. raw is
// nil until it is read.
type held struct {
	revision uint64
	raw      []byte
}

const pathPolicy = "/v1/policy"

// concurrentReads is how many schemas are asked for at the same time.
const concurrentReads = 8

// askPresent asks what there is, without the schemas themselves.
func askPresent(ctx context.Context, c *client) (*present, error) {
	var list schemaList
	if _, err := c.get(ctx, pathSchemas, nil, &list); err != nil {
		return nil, err
	}
	var apps struct {
		Applications []application `json:"applications"`
	}
	if _, err := c.get(ctx, pathApplications, nil, &apps); err != nil {
		return nil, err
	}
	policy, err := c.do(ctx, request{method: http.MethodGet, path: pathPolicy})
	if err != nil {
		return nil, err
	}
	p := &present{
		schemas:      make(map[schema.Type]held, len(list.Schemas)),
		policy:       held{policy.revision(), policy.body},
		applications: make(map[string]application, len(apps.Applications)),
	}
	for _, s := range list.Schemas {
		p.schemas[schema.Type{Category: s.Category, Name: s.Name}] = held{revision: s.Revision}
	}
	for _, a := range apps.Applications {
		p.applications[a.Name] = a
	}
	return p, nil
}

// read reads the schemas that are there and declared.
func (p *present) read(ctx context.Context, t *terminal, c *client, declared []registry.Declared) error {
	var found []schema.Type
	for _, d := range declared {
		ty := schema.Type{Category: d.Category, Name: d.Name}
		if _, ok := p.schemas[ty]; ok && d.Kind == registry.KindSchema {
			found = append(found, ty)
		}
	}
	bar := t.progress("Comparing", int64(len(found)))
	defer bar.stop()
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentReads)
	for _, ty := range found {
		group.Go(func() error {
			a, err := c.do(ctx, request{method: http.MethodGet, path: schemaPath(ty.Category, ty.Name)})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case status(err) == http.StatusNotFound: // removed meanwhile
				delete(p.schemas, ty)
			case err != nil:
				return err
			default:
				p.schemas[ty] = held{a.revision(), a.body}
			}
			bar.add(1)
			return nil
		})
	}
	return group.Wait()
}

// compare returns the step that makes the registry have what is declared, nil
// when it has.
func (p *present) compare(d registry.Declared) (*step, error) {
	was, there, mine, err := p.texts(d)
	if err != nil {
		return nil, err
	}
	s := &step{File: d.File, Kind: d.Kind, Action: changed, Was: was, path: addressOf(d), body: d.Raw}
	switch {
	case was == 0:
		s.Action = created
	case there == mine || sameDocument([]byte(there), []byte(mine)):
		return nil, nil
	default:
		s.Diff = difference(was, d.File, there, mine)
	}
	return s, nil
}

// texts returns what is there and what is declared, as people read it.
func (p *present) texts(d registry.Declared) (was uint64, there, mine string, err error) {
	doc := p.policy
	switch d.Kind {
	case registry.KindApplication:
		app := p.applications[d.Name]
		keys, err := declaredKeys(d.Raw)
		return app.Revision, prettyKeys(app.Keys), prettyKeys(keys), err
	case registry.KindSchema:
		doc = p.schemas[schema.Type{Category: d.Category, Name: d.Name}]
	}
	return doc.revision, pretty(doc.raw), pretty(d.Raw), nil
}

// addressOf is the path at which a declaration is asked for and put.
func addressOf(d registry.Declared) string {
	switch d.Kind {
	case registry.KindSchema:
		return schemaPath(d.Category, d.Name)
	case registry.KindApplication:
		return applicationPath(d.Name)
	}
	return pathPolicy
}

// sameDocument reports whether two declarations say the same: spaces and the
// order of members say nothing.
func sameDocument(a, b []byte) bool {
	x, faultsX := schema.Read(a)
	y, faultsY := schema.Read(b)
	return len(faultsX) == 0 && len(faultsY) == 0 && reflect.DeepEqual(x, y)
}

// undeclared returns the steps that remove what is there and not declared.
func (p *present) undeclared(declared []registry.Declared) []*step {
	// By address, not by file: a name can be escaped in more than one way.
	keep := make(map[string]bool, len(declared))
	for _, d := range declared {
		keep[addressOf(d)] = true
	}
	var steps []*step
	remove := func(file, kind, path string, was uint64) {
		if was > 0 && !keep[path] {
			steps = append(steps, &step{File: file, Kind: kind, Action: removed, Was: was, path: path})
		}
	}
	for t, doc := range p.schemas {
		file := "schemas/" + stream.Escape(t.Category) + "/" + stream.Escape(t.Name) + ".json"
		remove(file, registry.KindSchema, schemaPath(t.Category, t.Name), doc.revision)
	}
	for name, app := range p.applications {
		remove("applications/"+name+".json", registry.KindApplication, applicationPath(name), app.Revision)
	}
	remove("policy.json", registry.KindPolicy, pathPolicy, p.policy.revision)
	return steps
}
