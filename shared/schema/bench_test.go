package schema

import (
	"os"
	"testing"
)

// BenchmarkJudge judges events of the sample types, as sites send them.
func BenchmarkJudge(b *testing.B) {
	types := map[Type]Versioned{}
	for t, data := range map[Type]string{
		pageview:                          `{"host": "www.example.com", "path": "/"}`,
		{"page interaction", "cta click"}: `{"host": "www.example.com", "path": "/", "element": "chat bubble"}`,
		{"form interaction", "submit"}:    `{"host": "www.example.com", "path": "/", "form": {"first_name": "John", "last_name": "Doe"}}`,
	} {
		raw, err := os.ReadFile("../registry/sample/schemas/" + t.String() + ".json")
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
					s.Judge(ev, received, "demo")
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compile(b, pageviewSchema)
	}
}
