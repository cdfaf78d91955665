package stream

import (
	"time"

	"github.com/theeye/theeye/shared/kv"
)

// Name is the name of the stream of accepted events.
const Name = "EVENTS"

// Consumer is the durable consumer that all processors share.
const Consumer = "processor"

// Buckets of the registry.
const (
	// BucketSchemas holds the schemas and the validation policy; its revision
	// is the registry's.
	BucketSchemas = "SCHEMAS"
	// BucketApplications holds applications with their write keys, hashed.
	BucketApplications = "APPLICATIONS"
	// BucketTokens holds query and operator tokens, hashed.
	BucketTokens = "TOKENS"
	// BucketApplied holds the digest of each declaration file when it was last
	// applied, so that a restart never reverts a live change.
	BucketApplied = "APPLIED"
)

// Changes is the name of the stream of changes to the registry: a copy of every
// version and every removal in its buckets, under their subjects.
const Changes = "CHANGES"

// Buckets of the running system.
const (
	// BucketServices holds the heartbeats of running processes, in memory.
	BucketServices = "SERVICES"
	// BucketJobs holds replays and audits with their progress and reports.
	BucketJobs = "JOBS"
	// BucketUses holds when write keys and tokens were last used.
	BucketUses = "USES"
)

// KeyMarks is the key of BucketJobs with the watermarks of the stream.
const KeyMarks = "stream"

// BucketStream returns the name of the stream behind a bucket.
func BucketStream(bucket string) string { return kv.StreamOf(bucket) }

// HeartbeatTTL is how long after its last heartbeat a process counts as live.
const HeartbeatTTL = 5 * time.Second

// UsesTTL is how long the last use of a write key or token is kept.
const UsesTTL = 400 * 24 * time.Hour

// Keys of BucketSchemas.
const (
	// KeyPolicy is the key of the validation policy.
	KeyPolicy = "policy"
	// KeyTypes is the prefix of the schemas: types.<category>.<name>, tokens
	// escaped as in subjects.
	KeyTypes = "types"
	// KeyPII is the key of the secret with which personal values are hashed.
	KeyPII = "secrets.pii"
	// KeyReplay is the key of the author and the reason of the last replay.
	// Putting it creates a revision with the rules of the one before it.
	KeyReplay = "replay"
)

// Headers of a message.
const (
	HeaderApplication = "Eye-Application"
	// HeaderEventID is set only when the collector derived the id. A derived
	// id is always a UUID; other ids may contain CR LF, which a header value
	// cannot.
	HeaderEventID    = "Eye-Event-Id"
	HeaderReceivedAt = "Eye-Received-At"
	HeaderSentAt     = "Eye-Sent-At"
	// HeaderMissingSession is absent where it would be event.SessionFromSender.
	HeaderMissingSession = "Eye-Missing-Session"
	HeaderFormat         = "Eye-Format"
)

const (
	subjectRoot  = "events"
	unregistered = "unregistered"
	// maxSubjectBytes keeps a protocol line far below the server's limit of
	// 4 KB.
	maxSubjectBytes = 512
)
