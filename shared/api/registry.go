package api

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// VersionInfo says when a version of a declaration was made, by whom and why.
type VersionInfo struct {
	Revision uint64 `json:"revision"`
	Time     Time   `json:"time"`
	Author   string `json:"author"`
	Note     string `json:"note"`
}

// Version is a version of a schema or of the policy.
type Version struct {
	VersionInfo
	// Removed says that the version removed the declaration.
	Removed bool `json:"removed,omitzero"`
}

// VersionPage is a page of versions, the newest first: the answer to GET
// SchemaHistoryPath and GET PathPolicyHistory.
type VersionPage struct {
	Versions   []Version `json:"versions"`
	NextCursor Cursor    `json:"next_cursor"`
}

// SchemaList is the answer to GET PathSchemas.
type SchemaList struct {
	// Revision is that of the registry.
	Revision uint64        `json:"revision"`
	Schemas  []TypeVersion `json:"schemas"`
}

// TypeVersion is the newest version of a type's schema.
type TypeVersion struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	VersionInfo
}

// ChangedType is the answer to PUT and DELETE SchemaPath.
type ChangedType struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	Revision uint64 `json:"revision"`
}

// DraftRequest is the body of POST SchemaValidatePath: a schema that is not put, and the
// data of events to validate by it.
type DraftRequest struct {
	Schema jsontext.Value   `json:"schema"`
	Data   []jsontext.Value `json:"data,omitempty"`
}

// DraftVerdicts is the answer to POST SchemaValidatePath. A schema with faults is answered
// as by PUT SchemaPath.
type DraftVerdicts struct {
	Results []DraftVerdict `json:"results"`
}

// DraftVerdict has what the schema says of one element of the request's data.
type DraftVerdict struct {
	// Index is the position of the element, from 0.
	Index int `json:"index"`
	// Errors are absent where the data matches. Their paths begin with /data.
	Errors []event.Fault `json:"errors,omitempty"`
}

// SchemaProposal is the answer to GET SchemaProposalPath: a first schema of a type, from
// what its events have. Every event that was read is valid by it.
type SchemaProposal struct {
	StatsRange
	Category string         `json:"category"`
	Name     string         `json:"name"`
	Schema   jsontext.Value `json:"schema"`
	// Stored and Rejected are how many events were read. Rejected ones are read of a type
	// without a schema, those with code unknown_type.
	Stored   int `json:"stored"`
	Rejected int `json:"rejected"`
	// Counted is in how many stored events the fields were counted; 0 where every stored
	// one was read.
	Counted int64 `json:"counted"`
	// Truncated says that members were left out, since there are too many.
	Truncated bool `json:"truncated"`
}

// ChangedPolicy is the answer to PUT and DELETE PathPolicy.
type ChangedPolicy struct {
	Revision uint64 `json:"revision"`
}

// KeySettings say what a write key may do. They are the body of PUT KeyPath.
type KeySettings struct {
	// Kind is KindBrowser or KindServer.
	Kind string `json:"kind"`
	// Origins are the sites that a browser key is used from.
	Origins   []string `json:"origins,omitempty"`
	Disabled  bool     `json:"disabled,omitzero"`
	ExpiresAt Time     `json:"expires_at,omitzero"`
	// EventsPerSecond and BytesPerSecond are limits; 0 is no limit.
	EventsPerSecond int64 `json:"events_per_second,omitzero"`
	BytesPerSecond  int64 `json:"bytes_per_second,omitzero"`
}

// Kinds of write keys.
const (
	// KindBrowser is a key that may be public; its origins are checked.
	KindBrowser = "browser"
	KindServer  = "server"
)

// Key is a write key, without its secret.
type Key struct {
	ID string `json:"id"`
	KeySettings
	// LastUsedAt is the hour in which the key was last used; absent for one that was not
	// used for 400 days.
	LastUsedAt Time `json:"last_used_at,omitzero"`
}

// NewKey is a write key in the answer that created it, the only one with the
// secret.
type NewKey struct {
	Key
	Secret string `json:"secret"`
}

// KeyRotation is a body of POST KeysPath: a new key with the settings of the
// one that it replaces. The other body is KeySettings.
type KeyRotation struct {
	Replaces string `json:"replaces"`
	// Overlap is how long the replaced key stays valid, as a Go duration.
	Overlap string `json:"overlap,omitzero"`
}

// NewApplication is the body of POST PathApplications: an application and its
// first key.
type NewApplication struct {
	Name string `json:"name"`
	KeySettings
}

// ApplicationSettings are what holds for all write keys of an application. They are
// the body of PUT ApplicationSettingsPath.
type ApplicationSettings struct {
	// Adapters are the formats of other products that the application's keys may
	// send events in.
	Adapters []string `json:"adapters,omitempty"`
	// MissingSession is event.SessionFromSender, the default, or
	// event.SessionRequired.
	MissingSession string `json:"missing_session,omitzero"`
}

// Application is an application with its write keys.
type Application struct {
	Name string `json:"name"`
	VersionInfo
	ApplicationSettings
	Keys []Key `json:"keys"`
}

// ApplicationList is the answer to GET PathApplications.
type ApplicationList struct {
	Applications []Application `json:"applications"`
}

// ChangedApplication is the answer to a change of an application or of one of
// its keys. Key is present if the change created one.
type ChangedApplication struct {
	Name     string  `json:"name"`
	Revision uint64  `json:"revision"`
	Key      *NewKey `json:"key,omitzero"`
}

// Roles of tokens.
const (
	// RoleAnalyst reads events, RoleOperator everything else as well.
	RoleAnalyst  = "analyst"
	RoleOperator = "operator"
)

// NewToken is the body of POST PathTokens.
type NewToken struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	// Applications are those that the token may read: absent for all, empty
	// for none.
	Applications []string `json:"applications,omitzero"`
}

// CreatedToken is the answer to POST PathTokens, the only one with the secret.
type CreatedToken struct {
	NewToken
	Revision uint64 `json:"revision"`
	Secret   string `json:"secret"`
}

// Token is a token, without its secret.
type Token struct {
	NewToken
	VersionInfo
	// LastUsedAt is as in Key.
	LastUsedAt Time `json:"last_used_at,omitzero"`
}

// TokenList is the answer to GET PathTokens.
type TokenList struct {
	Tokens []Token `json:"tokens"`
}

// OwnToken is the answer to GET PathToken: what the token of the request may do.
type OwnToken struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	// Applications are the names of those that the token may read. EveryApplication
	// says that it may read those that are created later, too.
	Applications     []string `json:"applications"`
	EveryApplication bool     `json:"every_application"`
}

// ChangedToken is the answer to DELETE TokenPath.
type ChangedToken struct {
	ID       string `json:"id"`
	Revision uint64 `json:"revision"`
}

// Change is a change of the registry.
type Change struct {
	Seq uint64 `json:"seq"`
	// Kind is schema, policy, application, token or replay.
	Kind     string `json:"kind"`
	Category string `json:"category,omitzero"`
	Name     string `json:"name,omitzero"`
	// Action is created, updated or removed.
	Action   string `json:"action"`
	Revision uint64 `json:"revision"`
	Time     Time   `json:"time"`
	Author   string `json:"author"`
	Note     string `json:"note,omitzero"`
	// Before and After are the declarations, without secrets and hashes.
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`
}

// ChangePage is the answer to GET PathChanges, the newest first.
type ChangePage struct {
	Changes    []Change `json:"changes"`
	NextCursor Cursor   `json:"next_cursor"`
}
