package api

import "net/url"

// Paths of the collector.
const (
	// PathEvents accepts events by POST and lists stored ones by GET.
	PathEvents   = "/v1/events"
	PathValidate = "/v1/validate"
	// PathTracker is the browser script.
	PathTracker = "/tracker.js"
	// PathPixel accepts an event in the query of an image.
	PathPixel = "/v1/pixel.gif"
	// PathCloudEvents accepts events in the format CloudEvents 1.0.
	PathCloudEvents = "/v1/cloudevents"
	// PathSegmentBatch accepts messages as the SDKs of Segment send them; so do the
	// other SegmentPaths.
	PathSegmentBatch = "/v1/batch"
	// PathSegmentMetrics takes what these SDKs report about themselves, and keeps
	// nothing.
	PathSegmentMetrics = "/v1/m"
	// PathSegmentSettings is what analytics.js asks for at its start.
	PathSegmentSettings = "/v1/projects/:key/settings"
	// PathSourceConfig is what the SDK of RudderStack for browsers asks for at its
	// start.
	PathSourceConfig = "/sourceConfig"
	// PathSnowplow accepts events as the trackers of Snowplow send them by POST.
	PathSnowplow = "/com.snowplowanalytics.snowplow/tp2"
	// PathSnowplowImage accepts an event as they send it by GET, in the query. By POST
	// it is one of SegmentPaths.
	PathSnowplowImage = "/i"
)

// Paths of the query API that every token may use.
const (
	PathSessions        = "/v1/sessions"
	PathRejected        = "/v1/rejected"
	PathRejectedSummary = PathRejected + "/summary"
	PathTypes           = "/v1/types"
	PathExport          = "/v1/export"
	PathLive            = "/v1/live"
	PathFields          = "/v1/fields"
	PathTimeseries      = "/v1/stats/timeseries"
	PathTop             = "/v1/stats/top"
	PathFunnel          = "/v1/stats/funnel"
	PathRetention       = "/v1/stats/retention"
	PathPaths           = "/v1/stats/paths"
	PathStatsQuery      = "/v1/stats/query"
	// PathToken shows what the token of the request may do.
	PathToken = "/v1/token"
)

// Paths of the query API that need an operator token.
const (
	PathStatus        = "/v1/status"
	PathStatsVerify   = "/v1/stats/verify"
	PathSchemas       = "/v1/schemas"
	PathPolicy        = "/v1/policy"
	PathPolicyHistory = PathPolicy + "/history"
	PathApplications  = "/v1/applications"
	PathTokens        = "/v1/tokens"
	PathChanges       = "/v1/changes"
	PathReplays       = "/v1/replays"
	PathAudits        = "/v1/audits"
	PathRetentions    = "/v1/retentions"
	PathBackup        = "/v1/backup"
)

// Paths that need no credential.
const (
	PathOpenAPI = "/openapi.json"
	PathHealth  = "/healthz"
	// PathDocs shows the OpenAPI document in a browser.
	PathDocs = "/docs"
	// PathUI is the web UI: a page, whose screens are paths below it, and its files.
	PathUI       = "/ui"
	PathUIAssets = PathUI + "/assets"
)

// The last segments of paths below one resource.
const (
	segmentTrace    = "/trace"
	segmentHistory  = "/history"
	segmentValidate = "/validate"
	segmentProposal = "/proposal"
	segmentKeys     = "/keys"
	segmentSettings = "/settings"
)

// SegmentPaths are the paths that accept messages of Segment: batches, and single
// messages by their type, also by its first letter and without the version.
func SegmentPaths() []string {
	paths := []string{PathSegmentBatch, "/beacon/v1/batch"}
	for _, call := range []string{"track", "page", "screen", "identify", "group", "alias"} {
		paths = append(paths, "/v1/"+call)
	}
	for _, letter := range []string{"t", "p", "s", "i", "g", "a", "b"} {
		paths = append(paths, "/v1/"+letter, "/"+letter)
	}
	return paths
}

// SegmentSettingsPath is the path of the settings of a write key.
func SegmentSettingsPath(key string) string {
	return "/v1/projects/" + url.PathEscape(key) + "/settings"
}

// EventPath is the path of one event.
func EventPath(eventID string) string { return below(PathEvents, eventID) }

// TracePath is the path of the trace of one event.
func TracePath(eventID string) string { return EventPath(eventID) + segmentTrace }

// SessionPath is the path of one session.
func SessionPath(sessionID string) string { return below(PathSessions, sessionID) }

// SchemaPath is the path of the schema of one type.
func SchemaPath(category, name string) string { return below(below(PathSchemas, category), name) }

// SchemaHistoryPath is the path of the versions of a type's schema.
func SchemaHistoryPath(category, name string) string {
	return SchemaPath(category, name) + segmentHistory
}

// SchemaValidatePath is the path by which data is validated by a schema of a type that is
// not put.
func SchemaValidatePath(category, name string) string {
	return SchemaPath(category, name) + segmentValidate
}

// SchemaProposalPath is the path of a first schema of a type, made from its events. Every
// token may read it.
func SchemaProposalPath(category, name string) string {
	return SchemaPath(category, name) + segmentProposal
}

// ApplicationPath is the path of one application.
func ApplicationPath(name string) string { return below(PathApplications, name) }

// ApplicationSettingsPath is the path of the settings of one application.
func ApplicationSettingsPath(application string) string {
	return ApplicationPath(application) + segmentSettings
}

// KeysPath is the path under which write keys of an application are created.
func KeysPath(application string) string { return ApplicationPath(application) + segmentKeys }

// KeyPath is the path of one write key.
func KeyPath(application, keyID string) string { return below(KeysPath(application), keyID) }

// TokenPath is the path of one token.
func TokenPath(tokenID string) string { return below(PathTokens, tokenID) }

// JobPath is the path of one job below PathReplays, PathAudits or PathRetentions.
func JobPath(collection, jobID string) string { return below(collection, jobID) }

// BackupPath is the path of one part of a backup.
func BackupPath(part string) string { return below(PathBackup, part) }

// below appends one segment to a path, escaped: it may contain '/'.
func below(path, segment string) string { return path + "/" + url.PathEscape(segment) }

// Headers of requests and responses.
const (
	// HeaderNote says why a change of the registry is made, or a job started.
	HeaderNote = "X-Eye-Note"
	// HeaderWriteKey carries a write key to the collector; so do
	// Authorization and the query parameter write_key.
	HeaderWriteKey = "X-Write-Key"
	// HeaderReason says, beside the image of PathPixel, why its event is not accepted
	// or will be rejected: a code and a sentence.
	HeaderReason = "X-Eye-Reason"
	// HeaderIfMatch carries the revision that a change replaces, HeaderETag
	// the revision of what an answer shows, each as ETag formats it.
	HeaderIfMatch = "If-Match"
	HeaderETag    = "Etag"
)

// Media types of bodies.
const (
	ContentTypeJSON    = "application/json"
	ContentTypeSchema  = "application/schema+json"
	ContentTypeProblem = "application/problem+json"
	ContentTypeBackup  = "application/octet-stream"
)
