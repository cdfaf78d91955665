package queryapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

const headerETag = "Etag"

// etag is a revision as ETag and If-Match carry it.
func etag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// reply answers with v as JSON, under the ETag of a revision unless that is 0.
func reply(w http.ResponseWriter, status int, revision uint64, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	if revision != 0 {
		w.Header().Set(headerETag, etag(revision))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // an error of the connection is nobody's to handle
	return nil
}

// replyRaw answers with a version of a declaration: its bytes are the body.
func replyRaw(w http.ResponseWriter, contentType string, revision uint64, at time.Time, raw []byte) {
	h := w.Header()
	h.Set(headerETag, etag(revision))
	if !at.IsZero() {
		h.Set("Last-Modified", at.UTC().Format(http.TimeFormat))
	}
	h.Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(raw)
}

// statusOfPut is 201 for what was not there before.
func statusOfPut(put registry.Put) int {
	if put.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// withMember adds a member to the problem of f. Its value is made of numbers
// and texts, which always encode.
func withMember(f *failure, name string, value any) *failure {
	b, err := json.Marshal(value, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return httpserver.Internal(err)
	}
	f.Members = append(f.Members, httpserver.Member{Name: name, Value: b})
	return f
}

// version is a version in an answer.
type version struct {
	Revision uint64 `json:"revision"`
	Time     string `json:"time"`
	Author   string `json:"author"`
	Note     string `json:"note"`
	Removed  bool   `json:"removed,omitzero"`
}

func versionOf(v registry.Version) version {
	return version{
		Revision: v.Revision, Time: event.FormatTime(v.Time), Author: v.Author, Note: v.Note, Removed: v.Removed,
	}
}
