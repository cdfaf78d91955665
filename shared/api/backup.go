package api

import "github.com/go-json-experiment/json/jsontext"

// Backup is the answer to GET PathBackup: the parts of a backup, in the order in which
// a client must copy them, and the stream that they belong to.
type Backup struct {
	Parts []string `json:"parts"`
	// Store says where the events are kept: BackupEmbedded, or BackupExternal, a
	// database that has a tool of its own and no part here.
	Store string `json:"store"`
	// Epoch identifies the stream, and KeptFrom is its first sequence that no
	// processor has purged.
	Epoch    int64  `json:"epoch"`
	KeptFrom uint64 `json:"kept_from"`
	Version  string `json:"version"`
}

// The kinds of stores in a Backup.
const (
	BackupEmbedded = "embedded"
	BackupExternal = "external"
)

// BackupPart is the first line of the answer to GET BackupPath that is not empty; the
// bytes of the part follow. Empty lines come before it while the part is prepared.
type BackupPart struct {
	// Stream is the configuration and the state of a stream, as NATS answers them.
	Stream jsontext.Value `json:"stream,omitzero"`
	// Bytes is the size of the part before it is compressed, for progress alone.
	Bytes uint64 `json:"bytes"`
	// Error says why the part could not be prepared; no bytes follow.
	Error string `json:"error,omitzero"`
}
