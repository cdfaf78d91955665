package editor

import (
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Declaration is the checked text of a schema, of the policy or of an
// application. The functions Check… make it.
type Declaration struct {
	Subject
	key string
	raw []byte

	schema *schema.Schema // of a schema
	// Of an application.
	keys     []registry.KeyRecord
	settings registry.ApplicationSettings
}

// CheckSchema checks the schema of a type and returns every fault. It opens no
// file and no connection.
func CheckSchema(t schema.Type, raw []byte) (Declaration, []event.Fault) {
	key, err := registry.TypeKey(t)
	s, faults := schema.Compile(raw)
	if err != nil {
		schema.Location{Faults: &faults}.Faultf("%v", err)
	}
	if len(faults) > 0 {
		return Declaration{}, faults
	}
	return Declaration{
		Subject: Subject{KindSchema, t.Category, t.Name}, key: key, raw: raw, schema: s,
	}, nil
}

// CompiledSchema returns the schema of a declaration that CheckSchema made.
func (d Declaration) CompiledSchema() *schema.Schema { return d.schema }

// CheckPolicy checks the policy and returns every fault.
func CheckPolicy(raw []byte) (Declaration, []event.Fault) {
	_, faults := schema.ParsePolicy(raw)
	return Declaration{Subject: Subject{Kind: KindPolicy}, key: stream.KeyPolicy, raw: raw}, faults
}

// CheckApplication checks the declaration of an application and returns every
// fault. It names all write keys by their SHA-256.
func CheckApplication(name string, raw []byte) (Declaration, []event.Fault) {
	keys, settings, faults := parseApplication(raw)
	faults = append(checkName(name), faults...)
	return Declaration{Subject: Subject{Kind: KindApplication, Name: name}, key: name, raw: raw, keys: keys, settings: settings}, faults
}

// Digests returns the SHA-256 of the write keys of an application.
func (d Declaration) Digests() []string {
	sums := make([]string, len(d.keys))
	for i, k := range d.keys {
		sums[i] = k.SHA256
	}
	return sums
}
