package mongo

import (
	"fmt"
	"math"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// maxDocumentBytes is the server's limit of one document.
const maxDocumentBytes = 16 << 20

// Names of the fields, in the order written.
const (
	fieldID            = "_id"
	fieldStatus        = "status"
	fieldApplication   = "application"
	fieldEventID       = "event_id"
	fieldSessionID     = "session_id"
	fieldCategory      = "category"
	fieldName          = "name"
	fieldData          = "data"
	fieldTimestamp     = "timestamp"
	fieldTimestampUS   = "timestamp_us"
	fieldReceivedAt    = "received_at"
	fieldSlot          = "slot"
	fieldExpiresAt     = "expires_at"
	fieldContentHash   = "content_hash"
	fieldOrigin        = "origin"
	fieldEpoch         = "epoch"
	fieldSeq           = "seq"
	fieldRevision      = "revision"
	fieldSchemaVersion = "schema_version"
	fieldSentVersion   = "sent_schema_version"
	fieldClockOffset   = "clock_offset_ms"
	fieldErrors        = "errors"
	fieldCode          = "code"
	fieldPath          = "path"
	fieldMessage       = "message"
	fieldOriginal      = "original"

	// fieldRetentionRevision is the revision of the policy by which ApplyRetention
	// wrote expires_at. It is absent where the document's own revision is that of
	// expires_at, too.
	fieldRetentionRevision = "retention_revision"
)

// AppendDocument appends the BSON of a document, as Insert and Replace write
// it. The error is of class store.ErrUnencodable; dst is then returned unchanged.
func AppendDocument(dst []byte, d *store.Document) ([]byte, error) {
	start := len(dst)
	out, err := appendDocument(dst, d)
	if err == nil && len(out)-start > maxDocumentBytes {
		err = fmt.Errorf("%w: over %d bytes", store.ErrUnencodable, maxDocumentBytes)
	}
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}

func appendDocument(dst []byte, d *store.Document) ([]byte, error) {
	if err := checkEncodable(d); err != nil {
		return dst, err
	}
	start, dst := bsoncore.AppendDocumentStart(dst)
	dst = bsoncore.AppendStringElement(dst, fieldID, d.ID)
	dst = bsoncore.AppendStringElement(dst, fieldStatus, string(d.Status))
	dst = appendText(dst, fieldApplication, d.Application)
	dst = appendText(dst, fieldEventID, d.EventID)
	dst = appendText(dst, fieldSessionID, d.SessionID)
	dst = appendText(dst, fieldCategory, d.Category)
	dst = appendText(dst, fieldName, d.Name)
	if d.Data != nil {
		var err error
		if dst, err = appendData(dst, fieldData, d.Data); err != nil {
			return dst, err
		}
	}
	dst = appendTimes(dst, d)
	dst = bsoncore.AppendStringElement(dst, fieldContentHash, d.ContentHash)
	dst = appendOrigin(dst, d.Origin)
	dst = bsoncore.AppendInt64Element(dst, fieldRevision, int64(d.Revision))
	dst = appendVersion(dst, fieldSchemaVersion, d.SchemaVersion)
	dst = appendVersion(dst, fieldSentVersion, d.SentSchemaVersion)
	dst = appendVersion(dst, fieldClockOffset, d.ClockOffsetMS)
	if d.Status == store.Rejected {
		dst = appendFaults(dst, d.Errors)
		if len(d.Original) > 0 {
			dst = bsoncore.AppendBinaryElement(dst, fieldOriginal, 0, d.Original)
		}
	}
	return closeDocument(dst, start), nil
}

// checkEncodable refuses documents that BSON cannot represent.
func checkEncodable(d *store.Document) error {
	if d.Origin.Seq > math.MaxInt64 || d.Revision > math.MaxInt64 {
		return fmt.Errorf("%w: a sequence or revision over int64", store.ErrUnencodable)
	}
	for _, s := range []string{
		d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name, d.ContentHash,
	} {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%w: text is not UTF-8", store.ErrUnencodable)
		}
	}
	return nil
}

// appendText appends a string element, unless the event does not have the field.
func appendText(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return bsoncore.AppendStringElement(dst, key, value)
}

// appendVersion appends a schema version, unless there is no schema.
func appendVersion(dst []byte, key string, version int64) []byte {
	if version == 0 {
		return dst
	}
	return bsoncore.AppendInt64Element(dst, key, version)
}

// appendTimes appends the times that the event has. A stored event always has a
// timestamp, and that of year 1 is Go's zero time.
func appendTimes(dst []byte, d *store.Document) []byte {
	if d.Status == store.Stored || !d.Timestamp.IsZero() {
		dst = bsoncore.AppendDateTimeElement(dst, fieldTimestamp, d.Timestamp.UnixMilli())
		dst = bsoncore.AppendInt64Element(dst, fieldTimestampUS, d.Timestamp.UnixMicro())
	}
	dst = bsoncore.AppendDateTimeElement(dst, fieldReceivedAt, d.ReceivedAt.UnixMilli())
	if d.Slot != nil {
		dst = bsoncore.AppendInt64Element(dst, fieldSlot, *d.Slot)
	}
	if !d.ExpiresAt.IsZero() {
		dst = bsoncore.AppendDateTimeElement(dst, fieldExpiresAt, d.ExpiresAt.UnixMilli())
	}
	return dst
}

func appendOrigin(dst []byte, o store.Origin) []byte {
	start, dst := bsoncore.AppendDocumentElementStart(dst, fieldOrigin)
	dst = bsoncore.AppendInt64Element(dst, fieldEpoch, o.Epoch)
	dst = bsoncore.AppendInt64Element(dst, fieldSeq, int64(o.Seq))
	return closeDocument(dst, start)
}

func appendFaults(dst []byte, faults []event.Fault) []byte {
	start, dst := bsoncore.AppendArrayElementStart(dst, fieldErrors)
	var key [20]byte
	for i, f := range faults {
		var at int32
		dst = appendHeader(dst, bsoncore.TypeEmbeddedDocument, arrayKey(key[:0], i))
		at, dst = bsoncore.ReserveLength(dst)
		dst = bsoncore.AppendStringElement(dst, fieldCode, f.Code)
		dst = bsoncore.AppendStringElement(dst, fieldPath, f.Path)
		dst = bsoncore.AppendStringElement(dst, fieldMessage, f.Message)
		dst = closeDocument(dst, at)
	}
	return closeDocument(dst, start)
}

// closeDocument ends a document or array that starts at start.
func closeDocument(dst []byte, start int32) []byte {
	dst = append(dst, 0)
	return bsoncore.UpdateLength(dst, start, int32(len(dst[start:])))
}
