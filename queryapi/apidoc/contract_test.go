package apidoc_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/api"
)

// contract names the schemas that describe each type of the wire contract.
// Types within these are found on the way.
var contract = map[reflect.Type][]string{
	reflect.TypeFor[api.Problem]():             {"Problem", "ConflictProblem", "DeclarationProblem"},
	reflect.TypeFor[api.Health]():              {"Health"},
	reflect.TypeFor[api.SentEvent]():           {"SentEvent"},
	reflect.TypeFor[api.AcceptResponse]():      {"AcceptResponse"},
	reflect.TypeFor[api.ValidateResponse]():    {"ValidateResponse"},
	reflect.TypeFor[api.Event]():               {"StoredEvent", "RejectedEvent"},
	reflect.TypeFor[api.PendingEvent]():        {"PendingEvent"},
	reflect.TypeFor[api.Page[api.Event]]():     {"EventPage", "RejectedPage"},
	reflect.TypeFor[api.Timeline[api.Event]](): {"Timeline"},
	reflect.TypeFor[api.SessionPage]():         {"SessionPage"},
	reflect.TypeFor[api.FunnelRequest]():       {"FunnelRequest"},
	reflect.TypeFor[api.Funnel]():              {"Funnel"},
	reflect.TypeFor[api.Retention]():           {"Retention"},
	reflect.TypeFor[api.Paths]():               {"Paths"},
	reflect.TypeFor[api.RejectedSummary]():     {"RejectedSummary"},
	reflect.TypeFor[api.DraftRequest]():        {"DraftRequest"},
	reflect.TypeFor[api.DraftVerdicts]():       {"DraftVerdicts"},
	reflect.TypeFor[api.SchemaProposal]():      {"SchemaProposal"},
	reflect.TypeFor[api.TypeList]():            {"TypeList"},
	reflect.TypeFor[api.Timeseries]():          {"Timeseries"},
	reflect.TypeFor[api.Top]():                 {"Top"},
	reflect.TypeFor[api.FieldList]():           {"FieldList"},
	reflect.TypeFor[api.StatsBatch]():          {"StatsBatch"},
	reflect.TypeFor[api.Trace]():               {"Trace"},
	reflect.TypeFor[api.ExportEnd]():           {"ExportEnd"},
	reflect.TypeFor[api.LiveGapData]():         {"LiveGapData"},
	reflect.TypeFor[api.LiveDroppedData]():     {"LiveDroppedData"},
	reflect.TypeFor[api.LiveEndData]():         {"LiveEndData"},
	reflect.TypeFor[api.Status]():              {"Status"},
	reflect.TypeFor[api.ColumnsStatus]():       {"ColumnsStatus"},
	reflect.TypeFor[api.VerifyRequest]():       {"VerifyRequest"},
	reflect.TypeFor[api.VerifyAnswer]():        {"VerifyAnswer"},
	reflect.TypeFor[api.VerifiedDay]():         {"VerifiedDay"},
	reflect.TypeFor[api.OutcomeCounts]():       {"OutcomeCounts"},
	reflect.TypeFor[api.Backup]():              {"Backup"},
	reflect.TypeFor[api.BackupPart]():          {"BackupPart"},
	reflect.TypeFor[api.SchemaList]():          {"SchemaList"},
	reflect.TypeFor[api.VersionPage]():         {"VersionPage"},
	reflect.TypeFor[api.ChangedType]():         {"ChangedType"},
	reflect.TypeFor[api.ChangedPolicy]():       {"ChangedPolicy"},
	reflect.TypeFor[api.KeySettings]():         {"KeySettings"},
	reflect.TypeFor[api.KeyRotation]():         {"KeyRotation"},
	reflect.TypeFor[api.NewApplication]():      {"NewApplication"},
	reflect.TypeFor[api.ApplicationSettings](): {"ApplicationSettings"},
	reflect.TypeFor[api.Application]():         {"ApplicationDetails"},
	reflect.TypeFor[api.ApplicationList]():     {"ApplicationList"},
	reflect.TypeFor[api.ChangedApplication]():  {"ChangedApplication", "ChangedApplicationWithKey"},
	reflect.TypeFor[api.NewToken]():            {"NewToken"},
	reflect.TypeFor[api.CreatedToken]():        {"CreatedToken"},
	reflect.TypeFor[api.OwnToken]():            {"OwnToken"},
	reflect.TypeFor[api.TokenList]():           {"TokenList"},
	reflect.TypeFor[api.ChangedToken]():        {"ChangedToken"},
	reflect.TypeFor[api.ChangePage]():          {"ChangePage"},
	reflect.TypeFor[api.ReplayRequest]():       {"ReplayRequest"},
	reflect.TypeFor[api.AuditRequest]():        {"AuditRequest"},
	reflect.TypeFor[api.Job]():                 {"Job"},
	reflect.TypeFor[api.ReplayPage]():          {"ReplayPage"},
	reflect.TypeFor[api.AuditPage]():           {"AuditPage"},
	reflect.TypeFor[api.ReplayReport]():        {"ReplayReport"},
	reflect.TypeFor[api.AuditReport]():         {"AuditReport"},
	reflect.TypeFor[api.RetentionPage]():       {"RetentionPage"},
	reflect.TypeFor[api.RetentionReport]():     {"RetentionReport"},
}

// Object schemas without a type: declarations, which the registry defines, and
// what others are composed of.
var declared = []string{"Policy", "ApplicationDeclaration", "KeyMembers"}

// schemaNode is the part of a JSON Schema that a Go type can be compared with.
type schemaNode struct {
	Ref        string                 `json:"$ref"`
	Type       any                    `json:"type"`
	Const      any                    `json:"const"`
	Enum       []any                  `json:"enum"`
	Properties map[string]*schemaNode `json:"properties"`
	Required   []string               `json:"required"`
	Items      *schemaNode            `json:"items"`
	AllOf      []*schemaNode          `json:"allOf"`
	OneOf      []*schemaNode          `json:"oneOf"`
	never      bool
}

// UnmarshalJSON also reads the schema false, which no value matches.
func (s *schemaNode) UnmarshalJSON(raw []byte) error {
	if s.never = string(raw) == "false"; s.never {
		return nil
	}
	type plain schemaNode
	return json.Unmarshal(raw, (*plain)(s))
}

// comparison compares schemas with types.
type comparison struct {
	t       *testing.T
	schemas map[string]*schemaNode
	// seen are the properties that any schema has of a struct.
	seen map[reflect.Type]map[string]bool
	// described are the schemas that were compared with a type.
	described map[string]bool
}

// Every schema of the document has the members of its type: their names and
// types, and whether they are always present.
func TestSchemasHaveTheMembersOfTheirTypes(t *testing.T) {
	var document struct {
		Components struct{ Schemas map[string]*schemaNode }
	}
	if err := json.Unmarshal(apidoc.Document(), &document); err != nil {
		t.Fatal(err)
	}
	c := comparison{t, document.Components.Schemas, map[reflect.Type]map[string]bool{}, map[string]bool{}}
	for typ, names := range contract {
		for _, name := range names {
			if c.schemas[name] == nil {
				t.Errorf("the document has no schema %s", name)
				continue
			}
			c.described[name] = true
			c.compareObject(name, c.schemas[name], typ, len(names) > 1)
		}
	}
	for typ, seen := range c.seen {
		if diff := cmp.Diff(memberNames(typ), slices.Sorted(maps.Keys(seen))); diff != "" {
			t.Errorf("%v has other members than its schemas (-type +schemas):\n%s", typ, diff)
		}
	}
	for name, s := range c.schemas {
		if len(s.Properties) > 0 && !c.described[name] && !slices.Contains(declared, name) {
			t.Errorf("schema %s describes no type", name)
		}
	}
	for _, name := range structsOf(t, "../../shared/api") {
		if name != "Time" && !slices.ContainsFunc(slices.Collect(maps.Keys(c.seen)), func(r reflect.Type) bool { return typeName(r) == name }) {
			t.Errorf("no schema describes api.%s", name)
		}
	}
}

// resolve returns a schema with its reference followed and its allOf merged.
func (c *comparison) resolve(s *schemaNode) *schemaNode {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		c.described[name] = true
		return c.resolve(c.schemas[name])
	}
	if len(s.AllOf) == 0 {
		return s
	}
	merged := *s
	merged.AllOf, merged.Properties = nil, maps.Clone(s.Properties)
	if merged.Properties == nil {
		merged.Properties = map[string]*schemaNode{}
	}
	for _, part := range s.AllOf {
		part = c.resolve(part)
		maps.Copy(merged.Properties, part.Properties)
		merged.Required = slices.Concat(merged.Required, part.Required)
		if merged.Type == nil {
			merged.Type = part.Type
		}
	}
	return &merged
}

// compareObject compares an object schema with a struct. A variant describes
// some values of the struct alone: it may lack members, and require members
// that are not always present.
func (c *comparison) compareObject(at string, s *schemaNode, typ reflect.Type, variant bool) {
	s = c.resolve(s)
	for i, alternative := range s.OneOf {
		c.compareObject(at+" oneOf "+string(rune('0'+i)), alternative, typ, true)
	}
	if len(s.OneOf) > 0 {
		return
	}
	if c.seen[typ] == nil {
		c.seen[typ] = map[string]bool{}
	}
	members := membersOf(typ)
	for name, property := range s.Properties {
		if property.never {
			continue
		}
		c.seen[typ][name] = true
		m, ok := members[name]
		if !ok {
			c.t.Errorf("%s: %v has no member %s", at, typ, name)
			continue
		}
		required := slices.Contains(s.Required, name)
		if m.always && !required || required && !m.always && !variant {
			c.t.Errorf("%s: %s is required: %v, always present in %v: %v", at, name, required, typ, m.always)
		}
		c.compareValue(at+"."+name, property, m.typ)
	}
	for name, m := range members {
		if _, ok := s.Properties[name]; !ok && (m.always || !variant) {
			c.t.Errorf("%s: no property for member %s of %v", at, name, typ)
		}
	}
}

// compareValue compares a schema with the type of a member.
func (c *comparison) compareValue(at string, s *schemaNode, typ reflect.Type) {
	s = c.resolve(s)
	switch {
	case typ == reflect.TypeFor[jsontext.Value]():
		return // any JSON
	case typ == reflect.TypeFor[api.Time]():
		c.wantTypes(at, s, "string")
	case typ == reflect.TypeFor[*float64](), typ == reflect.TypeFor[api.Figure]():
		c.wantTypes(at, s, "null", "number")
	case typ == reflect.TypeFor[api.Cursor]():
		c.wantTypes(at, s, "null", "string")
	case typ.Kind() == reflect.Pointer && typ.Elem().Kind() == reflect.Struct:
		c.compareObject(at, s, typ.Elem(), false)
	case typ.Kind() == reflect.Pointer:
		c.compareValue(at, s, typ.Elem())
	case typ.Kind() == reflect.Struct:
		c.compareObject(at, s, typ, false)
	case typ.Kind() == reflect.Slice:
		c.wantTypes(at, s, "array")
		if elem := typ.Elem(); elem == reflect.TypeFor[api.Event]() {
			c.compareObject(at+"[]", s.Items, elem, true)
		} else {
			c.compareValue(at+"[]", s.Items, elem)
		}
	case typ.Kind() == reflect.Map:
		c.wantTypes(at, s, "object")
	default:
		c.wantTypes(at, s, scalarType(typ))
	}
}

func scalarType(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	}
	return typ.String()
}

// wantTypes compares the JSON types of the values of a schema.
func (c *comparison) wantTypes(at string, s *schemaNode, want ...string) {
	var got []string
	values := s.Enum
	if s.Const != nil {
		values = append(values, s.Const)
	}
	for _, v := range values {
		switch v.(type) {
		case string:
			got = append(got, "string")
		case bool:
			got = append(got, "boolean")
		case float64:
			got = append(got, "integer")
		}
	}
	switch types := s.Type.(type) {
	case string:
		got = append(got, types)
	case []any:
		for _, v := range types {
			got = append(got, v.(string))
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		c.t.Errorf("%s has values of type %v, want %v", at, got, want)
	}
}

// member is a JSON member of a struct.
type member struct {
	typ    reflect.Type
	always bool // present whatever its value is
}

// membersOf returns the JSON members of a struct, those of embedded structs
// included.
func membersOf(typ reflect.Type) map[string]member {
	members := map[string]member{}
	for field := range typ.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			maps.Copy(members, membersOf(field.Type))
			continue
		}
		members[name] = member{field.Type, !strings.Contains(options, "omit")}
	}
	return members
}

func memberNames(typ reflect.Type) []string { return slices.Sorted(maps.Keys(membersOf(typ))) }

// typeName is the name of a type without its parameters.
func typeName(typ reflect.Type) string {
	name, _, _ := strings.Cut(typ.Name(), "[")
	return name
}

// structsOf lists the structs that a package declares, except for those that
// are only embedded.
func structsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	var names []string
	embedded := map[string]bool{}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
				names = append(names, spec.Name.Name)
				for _, f := range s.Fields.List {
					if id, ok := f.Type.(*ast.Ident); ok && len(f.Names) == 0 {
						embedded[id.Name] = true
					}
				}
			}
			return true
		})
	}
	return slices.DeleteFunc(names, func(name string) bool { return embedded[name] })
}
