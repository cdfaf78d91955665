package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// TypeVersion is the newest version of a type's schema.
type TypeVersion struct {
	schema.Type
	Version
}

// content is a checked text of a schema or the policy, and what it asks of the
// registry.
type content struct {
	raw        []byte
	hashes     bool     // it needs stream.KeyPII
	supersedes []uint64 // have to be versions of the same type
}

// readSchema checks the text of a schema. It opens no file and no connection.
func readSchema(raw []byte) (content, []event.Fault) {
	s, faults := schema.Compile(raw)
	if len(faults) > 0 {
		return content{}, faults
	}
	return content{raw, s.Hashes(), s.Supersedes()}, nil
}

// schemaPlace is where the schema of a type is.
func schemaPlace(t schema.Type) (place, error) {
	key, err := typeKey(t)
	if err == nil {
		_, err = keyType(key)
	}
	return place{stream.BucketSchemas, key}, err
}

// PutSchema puts the schema of a type. It is compiled before anything is asked
// of NATS. What x-eye-supersedes names must be versions of this type. Content
// that the type has already is no new version, whatever match says.
func (e *Editor) PutSchema(ctx context.Context, t schema.Type, raw []byte, match uint64, by By) (Put, error) {
	c, faults := readSchema(raw)
	p, err := schemaPlace(t)
	if err != nil {
		schema.Location{Faults: &faults}.Faultf("%v", err)
	}
	if err := invalid(faults, by.faults()); err != nil {
		return Put{}, err
	}
	return e.putSchema(ctx, p, c, match, by)
}

func (e *Editor) putSchema(ctx context.Context, p place, c content, match uint64, by By) (Put, error) {
	value, err := jsonv2.Marshal(schemaRecord{Schema: c.raw, change: by.now()})
	if err != nil {
		return Put{}, fmt.Errorf("encode %s: %w", p, err)
	}
	return e.edit(ctx, p, match, func(now state) ([]byte, error) {
		if now.there() && same(value, now.value) {
			return nil, errUnchanged
		}
		if err := e.checkSupersedes(ctx, p, c); err != nil {
			return nil, err
		}
		if c.hashes {
			// Before the schema: until there is a key, whoever judges by it
			// would reject.
			if err := e.ensurePII(ctx, by); err != nil {
				return nil, err
			}
		}
		return value, nil
	})
}

// checkSupersedes reports every superseded revision that is no version of the
// key.
func (e *Editor) checkSupersedes(ctx context.Context, p place, c content) error {
	strange := map[string]bool{}
	for _, revision := range c.supersedes {
		n, err := e.at(ctx, p, revision)
		if err != nil {
			return err
		}
		if !n.there() {
			strange[strconv.FormatUint(revision, 10)] = true
		}
	}
	if len(strange) == 0 {
		return nil
	}
	tree, faults := schema.Read(c.raw)
	m := schema.Location{Faults: &faults}.At(schema.KeySupersedes)
	root, _ := tree.(map[string]any)
	list, _ := root[schema.KeySupersedes].([]any)
	for i, v := range list {
		if number, _ := v.(json.Number); strange[number.String()] {
			m.At(strconv.Itoa(i)).Faultf("%s is no revision of this type's schema", number)
		}
	}
	if len(faults) == 0 { // written in another way, such as 1e1
		m.Faultf("names revisions that are none of this type's schema")
	}
	return &InvalidError{faults}
}

// ensurePII makes the key that personal values are hashed with, unless there is
// one: it stays for good, so that equal values stay equal.
func (e *Editor) ensurePII(ctx context.Context, by By) error {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails
	value, err := jsonv2.Marshal(secretRecord{Secret: key, change: by.now()})
	if err != nil {
		return fmt.Errorf("encode a secret: %w", err)
	}
	_, err = e.edit(ctx, place{stream.BucketSchemas, stream.KeyPII}, Any, func(now state) ([]byte, error) {
		if now.there() {
			return nil, errUnchanged
		}
		return value, nil
	})
	return err
}

// DeleteSchema removes the schema of a type and returns the registry revision
// that does.
func (e *Editor) DeleteSchema(ctx context.Context, t schema.Type, match uint64, by By) (uint64, error) {
	p, err := schemaPlace(t)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return e.remove(ctx, p, match, by)
}

// Schema returns the version of a type's schema that a revision made, with 0 the
// newest one.
func (e *Editor) Schema(ctx context.Context, t schema.Type, revision uint64) (Version, error) {
	p, err := schemaPlace(t)
	if err != nil {
		return Version{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return e.text(ctx, p, revision)
}

// text returns a version with its text.
func (e *Editor) text(ctx context.Context, p place, revision uint64) (Version, error) {
	n, err := e.present(ctx, p, revision)
	if err != nil {
		return Version{}, err
	}
	v := n.version()
	if v.Value, err = openRecord(p.key, n.value); err != nil {
		return Version{}, fmt.Errorf("%s at revision %d: %w", p, n.revision, err)
	}
	return v, nil
}

// Schemas returns the newest version of every type's schema, by category and
// name, without the schemas.
func (e *Editor) Schemas(ctx context.Context) ([]TypeVersion, error) {
	list := []TypeVersion{}
	err := e.each(ctx, stream.BucketSchemas, stream.KeyTypes+".>", func(key string, n state) {
		if t, err := keyType(key); err == nil && n.there() {
			list = append(list, TypeVersion{t, n.version()})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b TypeVersion) int {
		return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.Name, b.Name))
	})
	return list, nil
}

// SchemaHistory returns the versions of a type's schema below a revision, with 0
// all, the newest first, without the schemas: at most limit, which is at most
// MaxPage and by default DefaultPage. ErrNotFound says that there never was one.
func (e *Editor) SchemaHistory(ctx context.Context, t schema.Type, before uint64, limit int) ([]Version, error) {
	p, err := schemaPlace(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return e.history(ctx, p, before, limit)
}
