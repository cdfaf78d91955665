package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// unreadableRecords are values that this version cannot read, by bucket.
var unreadableRecords = map[string][]string{
	stream.BucketSchemas: {
		``, `{`, `[]`, `{"schema": {"type": "x"}}`, `{}`, `{"schema": {}, "schema": {}}`,
		`{"schema": {"$ref": "file:///etc/passwd"}}`, `{"time": 1, "schema": {}}`,
		`{"schema": {}, "later": "member"}`, ack,
	},
	stream.BucketApplications: {
		`null 1`, `{"keys": [{"sha256": "x", "kind": "server"}]}`,
		fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "robot"}]}`, DigestOf("k")), `{"keys": {}}`,
		ack, `{}`, `null`, `{"keys": null}`, `{"author": "ann"}`, `{"keys": [], "later": "member"}`, `{"keys": [{}]}`,
		fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server", "later": 1}]}`, DigestOf("k")),
		fmt.Sprintf(`{"sha256": "%s", "role": "operator"}`, DigestOf("k")),
		`{"error": {"code": 503, "err_code": 10077}, "stream": "EVENTS", "seq": 0}`,
	},
	stream.BucketTokens: {
		`{"sha256": "", "role": "operator"}`, fmt.Sprintf(`{"sha256": "%s", "role": "god"}`, DigestOf("k")), `"x"`,
		ack, `{}`, `null`, fmt.Sprintf(`{"sha256": "%s"}`, DigestOf("k")), `{"role": "operator"}`,
		fmt.Sprintf(`{"sha256": "%s", "role": "operator", "later": "member"}`, DigestOf("k")),
	},
}

// ack is an acknowledgement of NATS, which a publisher can direct into a bucket.
const ack = `{"stream":"EVENTS", "seq":5}`

// A record that cannot be read takes nothing down: its newest readable version
// takes its place, in a process that saw it and in one that starts now.
func TestNewestReadableRecordIsUsed(t *testing.T) {
	_, js := registrytest.Start(t)
	var log registrytest.Logs
	key := keyOf(t, registrytest.SomeType)
	good := registrytest.Put(t, js, stream.BucketSchemas, key, needsA)
	registrytest.Put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server"}]}`, DigestOf("k1")))
	registrytest.Put(t, js, stream.BucketTokens, "ann", fmt.Sprintf(`{"sha256": "%s", "role": "operator"}`, DigestOf("t1")))
	r := run(t, Config{JetStream: js, Logger: log.Logger()})
	<-r.Ready()
	var last uint64
	for bucket, values := range unreadableRecords {
		for _, value := range values {
			switch bucket {
			case stream.BucketSchemas:
				last = registrytest.Put(t, js, bucket, key, value)
			case stream.BucketApplications:
				registrytest.Put(t, js, bucket, "shop", value)
			case stream.BucketTokens:
				registrytest.Put(t, js, bucket, "ann", value)
			}
		}
	}
	registrytest.Put(t, js, stream.BucketApplications, "last", `{"keys": []}`)
	wanted := func(s *Snapshot) bool { return s.Schemas.Revision() == last && len(s.Access.Applications()) == 2 }
	running := registrytest.AwaitSnapshot(t, r, "every record was seen", wanted)
	started := registrytest.AwaitSnapshot(t, run(t, Config{JetStream: js}), "every record was seen", wanted)
	if n := r.Unreadable(); n != 3 {
		t.Errorf("%d keys are counted as unreadable, want 3", n)
	}
	for name, s := range map[string]*Snapshot{"running": running, "started": started} {
		if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != event.CodeSchemaViolation || s.Schemas.Version(registrytest.SomeType) != good {
			t.Errorf("%s: fault codes %q by version %d, want version %d", name, got, s.Schemas.Version(registrytest.SomeType), good)
		}
		if _, ok := s.Access.WriteKey("k1"); !ok {
			t.Errorf("%s: the application's last readable keys are gone", name)
		}
		if _, ok := s.Access.Token("t1"); !ok {
			t.Errorf("%s: the last readable token is gone", name)
		}
	}
	for _, want := range []string{key, "shop", "ann", "cannot be read"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not name %s", want)
		}
	}
}

// A type without a readable version is known, and its events are not rejected as
// of an unknown type; deleted versions do not come back.
func TestTypeWithoutReadableVersionIsKnown(t *testing.T) {
	_, js := registrytest.Start(t)
	key := keyOf(t, registrytest.SomeType)
	registrytest.Put(t, js, stream.BucketSchemas, key, anything)
	if err := registrytest.Bucket(t, js, stream.BucketSchemas).Delete(registrytest.Context(t), key); err != nil {
		t.Fatal(err)
	}
	registrytest.Put(t, js, stream.BucketSchemas, key, `{"schema": {"type": "x"}}`)
	registrytest.Put(t, js, stream.BucketSchemas, "types.only-a-category", anything)
	registrytest.Put(t, js, stream.BucketSchemas, "types.a.=b", anything)
	registrytest.Put(t, js, stream.BucketSchemas, stream.KeyPolicy, `{"policy": {"unknown_types": "perhaps"}}`)
	registrytest.Put(t, js, stream.BucketApplications, "Shop", `{"keys": []}`)
	registrytest.Put(t, js, stream.BucketTokens, "ann", `{}`)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	s := r.Snapshot()
	if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != event.CodeValidatorFailed {
		t.Errorf("fault codes %q", got)
	}
	if got := s.Schemas.Types(); len(got) != 1 || got[0] != registrytest.SomeType {
		t.Errorf("types: %v", got)
	}
	if _, ok := s.Access.Token(""); ok {
		t.Error("a token without a secret")
	}
	fixed := registrytest.Put(t, js, stream.BucketSchemas, key, anything)
	s = registrytest.AwaitSnapshot(t, r, "the schema is fixed", func(s *Snapshot) bool { return s.Schemas.Revision() == fixed })
	if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != "" {
		t.Errorf("fault codes %q after the fix", got)
	}
}

// The history of a key is its own: 64 versions are what the library of NATS
// allows, and our buckets keep more.
func TestReadableVersionIsFoundFarBack(t *testing.T) {
	_, js := registrytest.Start(t)
	key := keyOf(t, registrytest.SomeType)
	good := registrytest.Put(t, js, stream.BucketSchemas, key, needsA)
	for range 100 {
		registrytest.Put(t, js, stream.BucketSchemas, key, `{}`)
		registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, schema.Type{Category: "a", Name: "b"}), anything)
	}
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	if got := r.Snapshot().Schemas.Version(registrytest.SomeType); got != good {
		t.Errorf("version %d, want %d", got, good)
	}
}

func TestTypeKeysAreReversible(t *testing.T) {
	for _, typ := range []schema.Type{registrytest.SomeType, {Category: "a.b", Name: "*"}, {Category: "é", Name: ">"}} {
		key := keyOf(t, typ)
		if got, err := ParseTypeKey(key); err != nil || got != typ {
			t.Errorf("ParseTypeKey(%q) = %v, %v", key, got, err)
		}
	}
	if key, err := TypeKey(schema.Type{Category: strings.Repeat("é", 100), Name: "n"}); err == nil {
		t.Errorf("a key of %d bytes", len(key))
	}
}
