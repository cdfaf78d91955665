package schema

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkValidate validates events of the sample types, as sites send them.
func BenchmarkValidate(b *testing.B) {
	types := map[Type]Versioned{}
	for t, data := range map[Type]string{
		pageview:                          `{"host": "www.example.com", "path": "/"}`,
		{"page interaction", "cta click"}: `{"host": "www.example.com", "path": "/", "element": "chat bubble"}`,
		{"form interaction", "submit"}:    `{"host": "www.example.com", "path": "/", "form": {"first_name": "John", "last_name": "Doe"}}`,
	} {
		raw, err := os.ReadFile("../registry/declare/sample/schemas/" + t.String() + ".json")
		if err != nil {
			b.Fatal(err)
		}
		types[t] = Versioned{Schema: compile(b, string(raw)), Revision: 1}
		for kind, data := range map[string]string{"stored": data, "rejected": `{"host": 1}`} {
			b.Run(kind+" "+t.Name, func(b *testing.B) {
				s := NewSet(1, DefaultPolicy(), types, nil)
				ev := sent(b, `"`+t.Category+`"`, `"`+t.Name+`"`, data, `"2026-01-02T03:04:05Z"`)
				b.ReportAllocs()
				for b.Loop() {
					s.Validate(ev, received, "demo")
				}
			})
		}
	}
}

// BenchmarkValidateOwn validates events that name an older version, and events with
// personal values.
func BenchmarkValidateOwn(b *testing.B) {
	const sent = `{"host": "www.example.com", "path": "/", "mail": "a@example.com", "ip": "192.0.2.1"}`
	const marked = `{"properties": {"mail": {"x-eye-pii": "hash"}, "ip": {"x-eye-pii": "%s"}}}`
	for name, v := range map[string]Versioned{
		"plain":          {Schema: compile(b, pageviewSchema), Revision: 2},
		"older version":  {Schema: compile(b, `{}`), Revision: 2, Earlier: []*Version{NewVersion(1, []byte(pageviewSchema))}},
		"drop":           {Schema: compile(b, `{"properties": {"ip": {"x-eye-pii": "drop"}}}`), Revision: 2},
		"hash and drop":  {Schema: compile(b, fmt.Sprintf(marked, "drop")), Revision: 2},
		"hash twice":     {Schema: compile(b, fmt.Sprintf(marked, "hash")), Revision: 2},
		"marked, absent": {Schema: compile(b, `{"properties": {"user": {"x-eye-pii": "hash"}}}`), Revision: 2},
	} {
		b.Run(name, func(b *testing.B) {
			s := NewSet(2, DefaultPolicy(), map[Type]Versioned{pageview: v}, testKey)
			ev := named(b, int64(len(v.Earlier)), sent)
			b.ReportAllocs()
			for b.Loop() {
				s.Validate(ev, received, "demo")
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compile(b, pageviewSchema)
	}
}
