package api

// HeaderLastEventID carries the id after which a live stream goes on.
const HeaderLastEventID = "Last-Event-ID"

// Names of the server-sent events of GET PathLive. An outcome has no name: its data
// is an Event.
const (
	// LiveGap says that outcomes are missing before the next one: data is a LiveGapData.
	LiveGap = "gap"
	// LiveDropped ends a stream whose client reads too slowly: data is a
	// LiveDroppedData.
	LiveDropped = "dropped"
	// LiveEnd ends a stream for any other reason: data is a LiveEndData.
	LiveEnd = "end"
)

// LiveGapData is the data of LiveGap.
type LiveGapData struct {
	// After is the last id before the gap, Resume that behind it, where the stream
	// goes on.
	After  string `json:"after"`
	Resume string `json:"resume"`
	// Missed is how many messages of the stream lie between them, of all
	// applications; 0 where that is unknown.
	Missed uint64 `json:"missed"`
}

// LiveDroppedData is the data of LiveDropped.
type LiveDroppedData struct {
	// Missed counts the outcomes that matched and were not sent.
	Missed int64 `json:"missed"`
	// Resume is the Last-Event-ID with which none of them is missed.
	Resume string `json:"resume"`
}

// LiveEndData is the data of LiveEnd.
type LiveEndData struct {
	// Code is that of a problem: unauthorized, application_not_allowed, or
	// CodeStopping.
	Code   string `json:"code"`
	Detail string `json:"detail"`
}
