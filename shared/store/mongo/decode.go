package mongo

import (
	"bytes"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// decode is the reverse of AppendDocument. Unknown fields are ignored: a later
// layout may have added them. The document does not alias raw.
func decode(raw bson.Raw) (*store.Document, error) {
	elements, err := bsoncore.Document(raw).Elements()
	if err != nil {
		return nil, fmt.Errorf("%w: a document that is not BSON: %w", store.ErrUnknown, err)
	}
	d := new(store.Document)
	for _, e := range elements {
		if err := decodeField(d, e.Key(), e.Value()); err != nil {
			return nil, fmt.Errorf("%w: field %s of document %q: %w", store.ErrUnknown, e.Key(), d.ID, err)
		}
	}
	return d, nil
}

func decodeField(d *store.Document, key string, v bsoncore.Value) error {
	if text := textField(d, key); text != nil {
		s, ok := v.StringValueOK()
		*text = s
		return errorUnless(ok)
	}
	switch key {
	case fieldStatus:
		s, ok := v.StringValueOK()
		d.Status = store.Status(s)
		return errorUnless(ok)
	case fieldData:
		return decodeData(d, v)
	case fieldTimestampUS:
		us, ok := v.Int64OK()
		d.Timestamp = time.UnixMicro(us).UTC()
		return errorUnless(ok)
	case fieldReceivedAt:
		return decodeDate(&d.ReceivedAt, v)
	case fieldSlot:
		d.Slot = new(int64)
		return decodeInt(d.Slot, v)
	case fieldExpiresAt:
		return decodeDate(&d.ExpiresAt, v)
	case fieldOrigin:
		return decodeOrigin(&d.Origin, v)
	case fieldRevision:
		return decodeUint(&d.Revision, v)
	case fieldSchemaVersion:
		return decodeInt(&d.SchemaVersion, v)
	case fieldSentVersion:
		return decodeInt(&d.SentSchemaVersion, v)
	case fieldClockOffset:
		return decodeInt(&d.ClockOffsetMS, v)
	case fieldErrors:
		return decodeFaults(d, v)
	case fieldOriginal:
		_, b, ok := v.BinaryOK()
		if len(b) > 0 {
			d.Original = bytes.Clone(b)
		}
		return errorUnless(ok)
	}
	return nil
}

// textField returns the destination of a string field, nil for other fields.
func textField(d *store.Document, key string) *string {
	switch key {
	case fieldID:
		return &d.ID
	case fieldApplication:
		return &d.Application
	case fieldEventID:
		return &d.EventID
	case fieldSessionID:
		return &d.SessionID
	case fieldCategory:
		return &d.Category
	case fieldName:
		return &d.Name
	case fieldContentHash:
		return &d.ContentHash
	}
	return nil
}

// errorUnless returns errBSON if a value is not of the expected type.
func errorUnless(ok bool) error {
	if !ok {
		return errBSON
	}
	return nil
}

func decodeData(d *store.Document, v bsoncore.Value) (err error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return errBSON
	}
	d.Data, err = appendObject(make([]byte, 0, len(doc)), doc)
	return err
}

func decodeDate(t *time.Time, v bsoncore.Value) error {
	ms, ok := v.DateTimeOK()
	*t = time.UnixMilli(ms).UTC()
	return errorUnless(ok)
}

func decodeInt(i *int64, v bsoncore.Value) error {
	var ok bool
	*i, ok = v.AsInt64OK()
	return errorUnless(ok)
}

func decodeUint(u *uint64, v bsoncore.Value) error {
	i, ok := v.AsInt64OK()
	if !ok || i < 0 {
		return errBSON
	}
	*u = uint64(i)
	return nil
}

func decodeOrigin(o *store.Origin, v bsoncore.Value) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return errBSON
	}
	o.Epoch, ok = doc.Lookup(fieldEpoch).AsInt64OK()
	if !ok {
		return errBSON
	}
	return decodeUint(&o.Seq, doc.Lookup(fieldSeq))
}

func decodeFaults(d *store.Document, v bsoncore.Value) error {
	array, ok := v.ArrayOK()
	if !ok {
		return errBSON
	}
	values, err := array.Values()
	if err != nil {
		return err
	}
	if len(values) > 0 {
		d.Errors = make([]event.Fault, 0, len(values))
	}
	for _, value := range values {
		doc, ok := value.DocumentOK()
		if !ok {
			return errBSON
		}
		var f event.Fault
		f.Code, _ = doc.Lookup(fieldCode).StringValueOK()
		f.Path, _ = doc.Lookup(fieldPath).StringValueOK()
		f.Message, _ = doc.Lookup(fieldMessage).StringValueOK()
		d.Errors = append(d.Errors, f)
	}
	return nil
}
