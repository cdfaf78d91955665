package cmd

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/theeye/output"
)

type exportConfigCmd struct {
	serverFlags
	Dir   string `arg:"" help:"Folder to write schemas/ and policy.json into; it is made if it does not exist."`
	Force bool   `help:"Replace files that are there."`
}

// exported is the result of an export.
type exported struct {
	Dir   string   `json:"dir"`
	Files []string `json:"files"`
}

// Run writes the schemas and the policy as a folder for apply. Applications are
// left out: the service shows no hashes of write keys, and apply removes none that
// a folder without applications/ does not declare.
func (c *exportConfigCmd) Run(p *output.Printer) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	done := exported{Dir: c.Dir, Files: []string{}}
	if err := c.writeAll(ctx, p, server, &done); err != nil {
		return fmt.Errorf("after %d files: %w", len(done.Files), err)
	}
	if p.JSON {
		return p.Value(done)
	}
	p.Remarkf("Applications are left out: their declarations hold hashes of write keys, which the service does not show.")
	return p.Linef("%s: %d files; theeye apply %s --dry-run shows the difference", c.Dir, len(done.Files), c.Dir)
}

func (c *exportConfigCmd) writeAll(ctx context.Context, p *output.Printer, server *client.Client, done *exported) error {
	var list api.SchemaList
	if _, err := server.Get(ctx, api.PathSchemas, nil, &list); err != nil {
		return err
	}
	bar := p.StartBar("Exporting", int64(len(list.Schemas)))
	defer bar.Stop()
	for _, s := range list.Schemas {
		resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.SchemaPath(s.Category, s.Name)})
		if client.Status(err) == http.StatusNotFound { // removed since it was listed
			continue
		}
		if err != nil {
			return err
		}
		typ := schema.Type{Category: s.Category, Name: s.Name}
		if err := c.writeFile(filepath.Join("schemas", filepath.FromSlash(typ.String())+".json"), resp.Body, done); err != nil {
			return err
		}
		bar.Advance(1)
	}
	policy, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.PathPolicy})
	if err != nil || policy.Revision() == 0 {
		return err
	}
	return c.writeFile("policy.json", policy.Body, done)
}

func (c *exportConfigCmd) writeFile(name string, raw []byte, done *exported) error {
	path := filepath.Join(c.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // declarations are for everyone to read
		return usageError{err}
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !c.Force {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o644) //nolint:gosec // the same
	if os.IsExist(err) {
		return usageErrorf("%s is there already; --force replaces it", path)
	}
	if err != nil {
		return usageError{err}
	}
	_, err = f.WriteString(output.IndentJSON(raw))
	if closed := f.Close(); err == nil {
		err = closed
	}
	done.Files = append(done.Files, filepath.ToSlash(name))
	return err
}
