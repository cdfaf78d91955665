package backup

import (
	"path"

	"github.com/theeye/theeye/shared/stream"
)

// PartStore is the part with the embedded store. An installation with a database of
// its own has no such part.
const PartStore = "store"

// Parts are the parts of a backup in the order in which they are copied. All but
// PartStore are named as their stream.
var Parts = []string{
	stream.BucketStream(stream.BucketJobs),
	stream.BucketStream(stream.BucketUses),
	stream.Name,
	PartStore,
	stream.Changes,
	stream.BucketStream(stream.BucketApplied),
	stream.BucketStream(stream.BucketSchemas),
	stream.BucketStream(stream.BucketApplications),
	stream.BucketStream(stream.BucketTokens),
}

// Names of files in the folder.
const (
	manifestFile = "manifest.json"
	storeFile    = "events.db"
	// archiveFile and answerFile are the names of the NATS tools.
	archiveFile = "stream.arc.s2"
	answerFile  = "backup.json"
	streamsDir  = "streams"
)

// pathOf is the path of a part's file in the folder, with slashes.
func pathOf(part string) string {
	if part == PartStore {
		return storeFile
	}
	return path.Join(streamsDir, part, archiveFile)
}
