package schema

import (
	"os"
	"testing"
)

// BenchmarkJudge judges events of the sample types, as sites send them.
func BenchmarkJudge(b *testing.B) {
	types := map[Type]Versioned{}
	for name, data := range map[string]string{
		"pageview":  `{"host": "www.example.com", "path": "/"}`,
		"cta click": `{"host": "www.example.com", "path": "/", "element": "chat bubble"}`,
	} {
		t := Type{"page interaction", name}
		raw, err := os.ReadFile("../registry/sample/schemas/" + t.String() + ".json")
		if err != nil {
			b.Fatal(err)
		}
		types[t] = Versioned{Schema: compile(b, string(raw)), Revision: 1}
		for kind, data := range map[string]string{"stored": data, "rejected": `{"host": 1}`} {
			b.Run(kind+" "+name, func(b *testing.B) {
				s := NewSet(1, DefaultPolicy(), types)
				ev := sent(b, `"page interaction"`, `"`+name+`"`, data, `"2026-01-02T03:04:05Z"`)
				b.ReportAllocs()
				for b.Loop() {
					s.Judge(ev, received)
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
