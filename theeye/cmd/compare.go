package cmd

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aymanbagabas/go-udiff"
	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/theeye/output"
)

// registered is the content of the registry that a folder is compared with.
type registered struct {
	schemas      map[schema.Type]registeredText
	policy       registeredText
	applications map[string]api.Application
}

// registeredText is a schema or a policy. Revision 0 means that it does not
// exist; raw is nil until it is read.
type registeredText struct {
	revision uint64
	raw      []byte
}

// concurrentReads is how many schemas are requested at the same time.
const concurrentReads = 8

// readRegistered reads the registry without the texts of the schemas.
func readRegistered(ctx context.Context, server *client.Client) (*registered, error) {
	var schemas api.SchemaList
	if _, err := server.Get(ctx, api.PathSchemas, nil, &schemas); err != nil {
		return nil, err
	}
	var apps api.ApplicationList
	if _, err := server.Get(ctx, api.PathApplications, nil, &apps); err != nil {
		return nil, err
	}
	policy, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.PathPolicy})
	if err != nil {
		return nil, err
	}
	r := &registered{
		schemas:      make(map[schema.Type]registeredText, len(schemas.Schemas)),
		policy:       registeredText{policy.Revision(), policy.Body},
		applications: make(map[string]api.Application, len(apps.Applications)),
	}
	for _, s := range schemas.Schemas {
		r.schemas[schema.Type{Category: s.Category, Name: s.Name}] = registeredText{revision: s.Revision}
	}
	for _, a := range apps.Applications {
		r.applications[a.Name] = a
	}
	return r, nil
}

// readSchemas reads the texts of the registered schemas that are declared.
func (r *registered) readSchemas(ctx context.Context, p *output.Printer, server *client.Client, declared []declare.Declared) error {
	var types []schema.Type
	for _, d := range declared {
		typ := schema.Type{Category: d.Category, Name: d.Name}
		if _, ok := r.schemas[typ]; ok && d.Kind == editor.KindSchema {
			types = append(types, typ)
		}
	}
	bar := p.StartBar("Comparing", int64(len(types)))
	defer bar.Stop()
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentReads)
	for _, typ := range types {
		group.Go(func() error {
			resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.SchemaPath(typ.Category, typ.Name)})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case client.Status(err) == http.StatusNotFound: // removed since it was listed
				delete(r.schemas, typ)
			case err != nil:
				return err
			default:
				r.schemas[typ] = registeredText{resp.Revision(), resp.Body}
			}
			bar.Advance(1)
			return nil
		})
	}
	return group.Wait()
}

// stepFor returns the step that applies a declaration, nil if the registry has
// it already.
func (r *registered) stepFor(d declare.Declared) (*planStep, error) {
	was, present, wanted, err := r.comparableTexts(d)
	if err != nil {
		return nil, err
	}
	s := &planStep{File: d.File, Kind: d.Kind, Action: actionChanged, Was: was, path: declarationPath(d), body: d.Raw}
	switch {
	case was == 0:
		s.Action = actionCreated
	case present == wanted || isSameDocument([]byte(present), []byte(wanted)):
		return nil, nil
	default:
		s.Diff = udiff.Unified(fmt.Sprintf("revision %d", was), d.File, present, wanted)
	}
	return s, nil
}

// comparableTexts returns the registered and the declared text, formatted for
// people.
func (r *registered) comparableTexts(d declare.Declared) (was uint64, present, wanted string, err error) {
	text := r.policy
	switch d.Kind {
	case editor.KindApplication:
		app := r.applications[d.Name]
		keys, settings, err := parseDeclaredApplication(d.Raw)
		return app.Revision, formatApplication(app.Keys, app.ApplicationSettings), formatApplication(keys, settings), err
	case editor.KindSchema:
		text = r.schemas[schema.Type{Category: d.Category, Name: d.Name}]
	}
	return text.revision, output.IndentJSON(text.raw), output.IndentJSON(d.Raw), nil
}

// declarationPath is the path of a declaration in the API.
func declarationPath(d declare.Declared) string {
	switch d.Kind {
	case editor.KindSchema:
		return api.SchemaPath(d.Category, d.Name)
	case editor.KindApplication:
		return api.ApplicationPath(d.Name)
	}
	return api.PathPolicy
}

// isSameDocument reports whether two declarations are equal, regardless of
// white space and the order of members.
func isSameDocument(a, b []byte) bool {
	x, faultsX := schema.Read(a)
	y, faultsY := schema.Read(b)
	return len(faultsX) == 0 && len(faultsY) == 0 && reflect.DeepEqual(x, y)
}

// pruneSteps returns the steps that remove registered but undeclared records of
// the given kinds.
func (r *registered) pruneSteps(declared []declare.Declared, kinds []string) []*planStep {
	// By path and not by file: a name can be escaped in more than one way.
	keep := make(map[string]bool, len(declared))
	for _, d := range declared {
		keep[declarationPath(d)] = true
	}
	var steps []*planStep
	remove := func(file, kind, path string, was uint64) {
		if was > 0 && !keep[path] && slices.Contains(kinds, kind) {
			steps = append(steps, &planStep{File: file, Kind: kind, Action: actionRemoved, Was: was, path: path})
		}
	}
	for t, text := range r.schemas {
		file := "schemas/" + stream.Escape(t.Category) + "/" + stream.Escape(t.Name) + ".json"
		remove(file, editor.KindSchema, api.SchemaPath(t.Category, t.Name), text.revision)
	}
	for name, app := range r.applications {
		remove("applications/"+name+".json", editor.KindApplication, api.ApplicationPath(name), app.Revision)
	}
	return steps
}

// keyIDDigits is how many digits of the SHA-256 of a secret identify its key.
const keyIDDigits = 12

// parseDeclaredApplication returns the write keys of a valid declaration in the form
// of the API, with ids in place of hashes, and the settings.
func parseDeclaredApplication(raw []byte) ([]api.Key, api.ApplicationSettings, error) {
	var declared struct {
		Keys []struct {
			SHA256 string `json:"sha256"`
			api.KeySettings
		} `json:"keys"`
		api.ApplicationSettings
	}
	if err := json.Unmarshal(raw, &declared); err != nil {
		return nil, declared.ApplicationSettings, fmt.Errorf("read the application: %w", err)
	}
	keys := make([]api.Key, 0, len(declared.Keys))
	for _, k := range declared.Keys {
		id := strings.ToLower(k.SHA256[:min(keyIDDigits, len(k.SHA256))])
		keys = append(keys, api.Key{ID: id, KeySettings: k.KeySettings})
	}
	return keys, declared.ApplicationSettings, nil
}

// formatApplication returns the text by which applications are compared. The order
// of keys, of origins and of adapters does not matter.
func formatApplication(keys []api.Key, settings api.ApplicationSettings) string {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b api.Key) int { return strings.Compare(a.ID, b.ID) })
	for i := range keys {
		keys[i].Origins = normalizeOrigins(keys[i].Origins)
		keys[i].ExpiresAt = api.TimeOf(keys[i].ExpiresAt.Time)
	}
	content := map[string]any{"keys": keys}
	if len(settings.Adapters) > 0 {
		content["adapters"] = slices.Sorted(slices.Values(settings.Adapters))
	}
	if settings.MissingSession != "" && settings.MissingSession != event.SessionFromSender {
		content["missing_session"] = settings.MissingSession
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return fmt.Sprint(keys) // a year that JSON cannot represent
	}
	return output.IndentJSON(raw)
}

// normalizeOrigins returns origins sorted and in the form in which the registry
// keeps them. Those that are none stay as they are: the server names their fault.
func normalizeOrigins(origins []string) []string {
	sorted := slices.Clone(origins)
	for i, origin := range sorted {
		if normal, err := registry.NormalizeOrigin(origin); err == nil {
			sorted[i] = normal
		}
	}
	slices.Sort(sorted)
	return sorted
}
