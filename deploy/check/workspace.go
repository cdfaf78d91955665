package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// maxComplaint bounds what an error repeats of the go command's output, in bytes.
const maxComplaint = 2000

// modulePrefix begins the path of each module of the project.
const modulePrefix = "github.com/theeye/theeye/"

// mayImport says which modules of the project a module may import: services import
// shared and never each other, and nothing imports the command.
var mayImport = map[string][]string{
	"shared":     {},
	"collector":  {"shared"},
	"processor":  {"shared"},
	"queryapi":   {"shared"},
	"standalone": {"shared", "collector", "processor", "queryapi"},
	"theeye":     {"shared", "collector", "processor", "queryapi", "standalone", "clients"},
	"test":       {"shared", "collector", "processor", "queryapi", "standalone", "clients"},
	"deploy":     {},
	"clients":    {},
}

// Package is what the import rules need to know of one.
type Package struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// Workspace returns the folders of the modules in root's go.work, sorted.
func Workspace(ctx context.Context, root string) ([]string, error) {
	out, err := goCommand(ctx, root, "work", "edit", "-json", "go.work")
	if err != nil {
		return nil, err
	}
	var work struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(out, &work); err != nil {
		return nil, fmt.Errorf("go.work: %w", err)
	}
	var folders []string
	for _, use := range work.Use {
		folders = append(folders, filepath.ToSlash(filepath.Clean(use.DiskPath)))
	}
	slices.Sort(folders)
	return folders, nil
}

// Packages lists a module's packages as they are without the workspace.
func Packages(ctx context.Context, folder string) ([]Package, error) {
	out, err := goCommand(ctx, folder, "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	if err != nil {
		return nil, err
	}
	var packages []Package
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("packages of %s: %w", folder, err)
		}
		packages = append(packages, p)
	}
}

// ImportFaults returns the imports, those of tests included, that point in a
// direction the project does not allow.
func ImportFaults(packages []Package) []string {
	var faults []string
	for _, p := range packages {
		from := module(p.ImportPath)
		allowed, known := mayImport[from]
		if !known {
			faults = append(faults, fmt.Sprintf("%s: no rule says what module %s may import", p.ImportPath, from))
			continue
		}
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if to := module(path); to != "" && to != from && !slices.Contains(allowed, to) {
				faults = append(faults, fmt.Sprintf("%s imports %s", p.ImportPath, path))
			}
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults)
}

// module returns the first element of an import path below the project, or "".
func module(path string) string {
	rest, ours := strings.CutPrefix(path, modulePrefix)
	if !ours {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// StandsAlone fails if the module in folder does not build without the
// workspace, or if its go.mod or go.sum are not tidy.
func StandsAlone(ctx context.Context, folder string) error {
	if _, err := goCommand(ctx, folder, "build", "-o", os.DevNull, "./..."); err != nil {
		return err
	}
	_, err := goCommand(ctx, folder, "mod", "tidy", "-diff")
	return err
}

// Dependencies returns every package that goes into a package's binary.
func Dependencies(ctx context.Context, folder, pattern string) ([]string, error) {
	out, err := goCommand(ctx, folder, "list", "-deps", pattern)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

// goCommand runs the go command in folder, without the workspace, and returns
// its output; its messages are in the error.
func goCommand(ctx context.Context, folder string, args ...string) ([]byte, error) {
	name := os.Getenv("GO")
	if name == "" {
		name = "go"
	}
	//nolint:gosec // the name is set by the user who runs the tests, as with make
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly -buildvcs=false")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		// Without the rest of a difference that may have hundreds of lines.
		said := slices.Concat(complaint.Bytes(), out.Bytes())
		return nil, fmt.Errorf("go %s in %s: %w\n%s", strings.Join(args, " "), folder, err, said[:min(len(said), maxComplaint)])
	}
	return out.Bytes(), nil
}
