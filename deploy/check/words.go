package check

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Words is what the Go files of the project say about its language.
type Words struct {
	// Idioms are the places of banned idioms in comments, and in the texts of
	// files that are no tests.
	Idioms []string
	// Methods counts the unexported methods outside tests, OneWord those of
	// them whose name is one bare word.
	Methods, OneWord int
	// Receivers has, for each method name outside tests, the receivers that it
	// is declared on.
	Receivers map[string][]string
	// Shapes has the structs of JSON for each set of member names.
	Shapes map[string][]string
	// Comments counts the lines of comments outside tests. Code and Test count all
	// other lines that are not blank; Test has those of test files and Support,
	// which are packages for tests: named …test, or of the module test.
	Comments, Code, Test, Support int
	// FileLines and FunctionLines are the sizes outside tests, sorted.
	FileLines, FunctionLines []int
}

var (
	// idioms are turns of phrase that hide the actor or the noun of a technical
	// sentence. Each has a plain form, such as "it has no reader".
	idioms = regexp.MustCompile(`(?i)\b(nobody|somebody|whoever|is told|told of|tells?|goodbye|farewell|anew|came to be|in hand|hands|` +
		`what (is|was|has|came|they|it|else)|there is none|is none|far as|meanwhile|is away)\b`)
	// textIdioms are those of them that no text for people needs.
	textIdioms = regexp.MustCompile(`(?i)\b(nobody|somebody|whoever|is told|told of|goodbye|farewell|anew|in hand|there is none|is away|wants an?|wants at least)\b`)
)

// ReadWords reads Go files, named by their paths below root.
func ReadWords(root string, files []string) (*Words, error) {
	w := &Words{Receivers: map[string][]string{}, Shapes: map[string][]string{}}
	for _, name := range files {
		if err := w.readFile(root, name); err != nil {
			return nil, err
		}
	}
	slices.Sort(w.FileLines)
	slices.Sort(w.FunctionLines)
	return w, nil
}

func (w *Words) readFile(root, name string) error {
	src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name))) //nolint:gosec // the files that git lists
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	test := strings.HasSuffix(name, "_test.go")
	w.countLines(fset, file, src, test, isTestSupport(name))
	for _, group := range file.Comments {
		for _, c := range group.List {
			w.findIdioms(idioms, fset.Position(c.Pos()), c.Text)
		}
	}
	if test {
		return nil
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				w.findIdioms(textIdioms, fset.Position(n.Pos()), text)
			}
		case *ast.FuncDecl:
			w.FunctionLines = append(w.FunctionLines, fset.Position(n.End()).Line-fset.Position(n.Pos()).Line+1)
			w.addMethod(filepath.ToSlash(filepath.Dir(name)), n)
		case *ast.TypeSpec:
			w.addShape(filepath.ToSlash(filepath.Dir(name)), n)
		}
		return true
	})
	return nil
}

// isTestSupport reports whether a file belongs to a package for tests.
func isTestSupport(name string) bool {
	return strings.HasPrefix(name, "test/") || strings.HasSuffix(filepath.ToSlash(filepath.Dir(name)), "test")
}

func (w *Words) countLines(fset *token.FileSet, file *ast.File, src []byte, test, support bool) {
	lines := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	comment := map[int]bool{}
	for _, group := range file.Comments {
		for line := fset.Position(group.Pos()).Line; line <= fset.Position(group.End()).Line; line++ {
			if text := strings.TrimSpace(lines[line-1]); strings.HasPrefix(text, "//") || strings.HasPrefix(text, "/*") {
				comment[line] = true
			}
		}
	}
	code := 0
	for i, line := range lines {
		if strings.TrimSpace(line) != "" && !comment[i+1] {
			code++
		}
	}
	if test {
		w.Test += code
		return
	}
	if support {
		w.Test += code
		w.Support += code
	} else {
		w.Code += code
	}
	w.Comments += len(comment)
	w.FileLines = append(w.FileLines, len(lines))
}

func (w *Words) findIdioms(pattern *regexp.Regexp, at token.Position, text string) {
	for i, line := range strings.Split(text, "\n") {
		if found := pattern.FindString(line); found != "" {
			w.Idioms = append(w.Idioms, fmt.Sprintf("%s:%d: %q in %q", at.Filename, at.Line+i, found, shorten(strings.TrimSpace(line), 100)))
		}
	}
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func (w *Words) addMethod(folder string, f *ast.FuncDecl) {
	if f.Recv == nil {
		return
	}
	receiver := f.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
			continue
		case *ast.IndexExpr:
			receiver = t.X
			continue
		case *ast.IndexListExpr:
			receiver = t.X
			continue
		case *ast.Ident:
			w.Receivers[f.Name.Name] = append(w.Receivers[f.Name.Name], folder+"."+t.Name)
		}
		break
	}
	if f.Name.IsExported() {
		return
	}
	w.Methods++
	if strings.IndexFunc(f.Name.Name, unicode.IsUpper) < 0 {
		w.OneWord++
	}
}

// leastShape is how many members make a struct of JSON a shape of its own.
const leastShape = 4

func (w *Words) addShape(folder string, spec *ast.TypeSpec) {
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	var members []string
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			continue
		}
		if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); name != "" && name != "-" {
			members = append(members, name)
		}
	}
	if len(members) < leastShape {
		return
	}
	slices.Sort(members)
	key := strings.Join(members, " ")
	w.Shapes[key] = append(w.Shapes[key], folder+"."+spec.Name.Name)
}

// Shared returns the method names that are declared on more receivers than
// most, the most common first.
func (w *Words) Shared(most int) []string {
	names := slices.Collect(maps.Keys(w.Receivers))
	names = slices.DeleteFunc(names, func(name string) bool { return len(w.Receivers[name]) <= most })
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(w.Receivers[b]), len(w.Receivers[a])), cmp.Compare(a, b))
	})
	return names
}

// Percentile returns the value of a sorted list below which a percentage of it
// lies, 0 of an empty one.
func Percentile(sorted []int, percent int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}
