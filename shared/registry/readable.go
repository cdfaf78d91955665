package registry

import (
	"context"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
)

// checkRecord returns why this version cannot read a value of a bucket of the
// registry. Keys that it does not know have no record that it reads.
func checkRecord(bucket, key string, value []byte) error {
	var err error
	switch {
	case bucket == stream.BucketApplications:
		_, err = decodeApplication(key, value)
	case bucket == stream.BucketTokens:
		_, err = decodeToken(key, value)
	case bucket == stream.BucketSchemas && isKnownKey(key):
		var content []byte
		if content, err = openSchemaRecord(key, value); err == nil {
			_, err = decodeDeclaration(key, content)
		}
	}
	return err
}

// Readable returns the entry that is in force for a key whose newest entry is
// given: that one, or the newest one before it whose record can be read, as in a
// Registry. A removal is in force, too. If no record since the last removal can
// be read, the newest entry is returned as it is. Errors are those of NATS.
func Readable(ctx context.Context, b *kv.Bucket, key string, newest kv.Entry) (kv.Entry, error) {
	for e := newest; e.Exists(); {
		if checkRecord(b.Name(), key, e.Value) == nil {
			return e, nil
		}
		m, err := b.Messages().LastBelow(ctx, kv.SubjectPrefix(b.Name())+key, e.Revision)
		if err != nil {
			return kv.Entry{}, err
		}
		if m == nil {
			break
		}
		e = kv.NewEntry(m)
	}
	return newest, nil
}
