package api

// Status is the answer to GET PathStatus: the state of the installation.
type Status struct {
	Stream   StreamStatus   `json:"stream"`
	Lag      Lag            `json:"lag"`
	Store    StoreStatus    `json:"store"`
	Registry RegistryStatus `json:"registry"`
	// Services is nil, and absent, if the heartbeats cannot be read.
	Services []ServiceStatus `json:"services,omitzero"`
}

// StreamStatus is the state of the stream of events.
type StreamStatus struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	// MaxBytes is the size at which the stream takes no more; -1 or 0 is no
	// bound.
	MaxBytes int64  `json:"max_bytes"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Oldest   Time   `json:"oldest,omitzero"`
}

// Lag is the accepted events without an outcome.
type Lag struct {
	Events uint64 `json:"events"`
	// Seconds is the age of the oldest of them.
	Seconds float64 `json:"seconds"`
}

// StoreStatus is the state of the store.
type StoreStatus struct {
	Ready bool `json:"ready"`
	// Revision is the highest registry revision ever written; absent unless
	// the store is ready.
	Revision *uint64 `json:"revision,omitzero"`
}

// RegistryStatus is the state of the registry in the service that answers.
type RegistryStatus struct {
	Revision uint64 `json:"revision"`
}

// ServiceStatus is one running service. The services of one process share the
// instance.
type ServiceStatus struct {
	Service   string `json:"service"`
	Instance  string `json:"instance"`
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	Revision  uint64 `json:"revision"`
	StartedAt Time   `json:"started_at"`
	SeenAt    Time   `json:"seen_at"`
}

// Health is the answer to GET PathHealth.
type Health struct {
	// Status is HealthOK.
	Status string `json:"status"`
}

// HealthOK is the status of a process that answers.
const HealthOK = "ok"
