package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// columns of events in the order of appendArgs and scanDocument.
const (
	columns = `id, ` + replacedColumns
	// replacedColumns are those that a replacement may change. To set the id, too, would
	// write the entries of its index again.
	replacedColumns = `status, application, event_id, session_id, category, name, data, timestamp_us,
		received_at, expires_at, content_hash, epoch, seq, revision, schema_version, errors, original,
		sent_schema_version, clock_offset_ms, slot`
	columnCount = 21
)

// appendArgs appends a document's values. The error is of class
// store.ErrUnencodable.
func appendArgs(args []any, d *store.Document) ([]any, error) {
	if d.Origin.Seq > math.MaxInt64 || d.Revision > math.MaxInt64 {
		return args, fmt.Errorf("%w: a sequence or revision over int64", store.ErrUnencodable)
	}
	for _, s := range []string{
		d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name, d.ContentHash,
	} {
		if !utf8.ValidString(s) {
			return args, fmt.Errorf("%w: text is not UTF-8", store.ErrUnencodable)
		}
	}
	var data, timestamp, expires, faults, original, slot any
	if d.Slot != nil {
		slot = *d.Slot
	}
	if d.Data != nil {
		data = string(d.Data)
	}
	// A stored event always has a timestamp, and that of year 1 is Go's zero
	// time.
	if d.Status == store.Stored || !d.Timestamp.IsZero() {
		timestamp = d.Timestamp.UnixMicro()
	}
	if !d.ExpiresAt.IsZero() {
		expires = d.ExpiresAt.UnixMilli()
	}
	if d.Status == store.Rejected {
		reasons := d.Errors
		if reasons == nil {
			reasons = []event.Fault{}
		}
		text, err := json.Marshal(reasons)
		if err != nil {
			return args, fmt.Errorf("%w: reasons: %w", store.ErrUnencodable, err)
		}
		faults = string(text)
		if len(d.Original) > 0 {
			original = d.Original
		}
	}
	return append(args,
		d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name, data, timestamp,
		d.ReceivedAt.UnixMilli(), expires, d.ContentHash, d.Origin.Epoch, int64(d.Origin.Seq),
		int64(d.Revision), d.SchemaVersion, faults, original, d.SentSchemaVersion, d.ClockOffsetMS, slot), nil
}

// scanDocument reads one row of columns.
func scanDocument(rows *sql.Rows) (*store.Document, error) {
	var (
		d                        store.Document
		timestamp, expires, slot sql.NullInt64
		received                 int64
		faults                   []byte
	)
	err := rows.Scan(&d.ID, &d.Status, &d.Application, &d.EventID, &d.SessionID, &d.Category, &d.Name, &d.Data,
		&timestamp, &received, &expires, &d.ContentHash, &d.Origin.Epoch, &d.Origin.Seq,
		&d.Revision, &d.SchemaVersion, &faults, &d.Original, &d.SentSchemaVersion, &d.ClockOffsetMS, &slot)
	if err != nil {
		return nil, classify(err)
	}
	d.ReceivedAt = time.UnixMilli(received).UTC()
	if timestamp.Valid {
		d.Timestamp = time.UnixMicro(timestamp.Int64).UTC()
	}
	if expires.Valid {
		d.ExpiresAt = time.UnixMilli(expires.Int64).UTC()
	}
	if slot.Valid {
		d.Slot = &slot.Int64
	}
	if len(d.Original) == 0 {
		d.Original = nil
	}
	d.Errors, err = decodeReasons(faults, d.ID)
	return &d, err
}

// decodeReasons decodes the column errors.
func decodeReasons(text []byte, id string) (faults []event.Fault, err error) {
	if text == nil {
		return nil, nil
	}
	if err := json.Unmarshal(text, &faults); err != nil {
		return nil, fmt.Errorf("%w: reasons of document %q: %w", store.ErrUnknown, id, err)
	}
	if len(faults) == 0 {
		return nil, nil
	}
	return faults, nil
}
