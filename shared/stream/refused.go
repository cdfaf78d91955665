package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrRefused means that the NATS server refuses the configuration: an operator must
// change a setting of The Eye or of the server, retrying cannot help.
var ErrRefused = errors.New("NATS refuses the configuration")

// refusedError is ErrRefused of one object.
type refusedError struct {
	// object names the stream, bucket or consumer; cure is a sentence for an operator.
	object, cure string
	cause        error
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%v of %s: %v; %s", ErrRefused, e.object, e.cause, e.cure)
}

func (e *refusedError) Unwrap() []error { return []error{ErrRefused, e.cause} }

// refusal is a kind of refusal: the codes of the server, and the cure, which may
// depend on the configuration.
type refusal struct {
	codes []jetstream.ErrorCode
	cure  func(c Config) string
}

// Codes of the server for which the library has no constant.
const (
	codeTooManyStreams   jetstream.ErrorCode = 10027
	codeMemoryExceeded   jetstream.ErrorCode = 10028
	codeStorageExceeded  jetstream.ErrorCode = 10047
	codeConfigRefused    jetstream.ErrorCode = 10052
	codeSubjectsOverlap  jetstream.ErrorCode = 10065
	codeNotClustered     jetstream.ErrorCode = 10074
	codeNoPeers          jetstream.ErrorCode = 10005
	codeMaxBytesNeeded   jetstream.ErrorCode = 10113
	codeMaxBytesTooLarge jetstream.ErrorCode = 10122
)

var refusals = []refusal{
	{
		[]jetstream.ErrorCode{codeStorageExceeded, codeMaxBytesTooLarge, codeMaxBytesNeeded},
		func(c Config) string {
			return fmt.Sprintf("the server and the account must allow %s on disk: EYE_STREAM_MAX_BYTES (%s) and %s for the registry and jobs, "+
				"and no less than existing streams reserve, also to make one smaller: raise max_file_store of the server, or set EYE_STREAM_MAX_BYTES as it was",
				sizeText(c.StoreBytes()), sizeText(c.MaxBytes), sizeText(c.StoreBytes()-c.MaxBytes))
		},
	},
	{
		[]jetstream.ErrorCode{codeMemoryExceeded},
		func(Config) string {
			return "raise max_memory_store of the server to at least " + sizeText(servicesMaxBytes) + ", for the heartbeats"
		},
	},
	{
		[]jetstream.ErrorCode{codeNotClustered, codeNoPeers},
		func(c Config) string {
			return fmt.Sprintf("EYE_STREAM_REPLICAS is %d: set it to the number of servers that the cluster has for it, 1 on a single server", c.Replicas)
		},
	},
	{
		[]jetstream.ErrorCode{codeTooManyStreams, jetstream.JSErrCodeMaximumConsumersLimit},
		func(Config) string { return "raise the limits of the account on streams and consumers" },
	},
	{
		[]jetstream.ErrorCode{codeSubjectsOverlap, jetstream.JSErrCodeStreamNameInUse, codeConfigRefused},
		func(Config) string {
			return "a stream of this name, or of these subjects, was made or changed by another client: give The Eye an account of its own, " +
				"or remove that stream after a backup"
		},
	},
	{
		[]jetstream.ErrorCode{jetstream.JSErrCodeConsumerCreate, jetstream.JSErrCodeConsumerExists, jetstream.JSErrCodeConsumerNameExists},
		func(Config) string {
			return fmt.Sprintf("the consumer was made or changed by another client: remove it with nats consumer rm %s %s. The processor makes it again, "+
				"and delivers every event again, which changes no outcome", Name, Consumer)
		},
	},
}

// explainRefusal returns the error of a request to create or update an object, with
// the cure where the server refuses it.
func explainRefusal(object string, c Config, err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && !isPassingFailure(api) {
		for _, r := range refusals {
			if slices.Contains(r.codes, api.ErrorCode) {
				return &refusedError{object: object, cure: r.cure(c), cause: err}
			}
		}
	}
	return fmt.Errorf("create or update %s: %w", object, err)
}

// isPassingFailure reports whether a server failed to create a consumer, for example
// because it is starting, and did not refuse to change it.
func isPassingFailure(err *jetstream.APIError) bool {
	return err.ErrorCode == jetstream.JSErrCodeConsumerCreate && !strings.Contains(err.Description, "update")
}

// sizeText formats a number of bytes.
func sizeText(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}} {
		if n >= unit.size {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
