package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/theeye/theeye/shared/store"
)

// codes of MongoDB that decide a class, and those that FerretDB adds. Every other
// code is unknown: transient, with an alarm.
var codes = map[int]error{
	11000: store.ErrDuplicate, // DuplicateKey
	11001: store.ErrDuplicate,
	12582: store.ErrDuplicate,

	2:     store.ErrUnstorable, // BadValue
	15:    store.ErrUnstorable, // Overflow
	22:    store.ErrUnstorable, // InvalidBSON
	32:    store.ErrUnstorable,
	52:    store.ErrUnstorable, // DollarPrefixedFieldName
	57:    store.ErrUnstorable, // DottedFieldName
	121:   store.ErrUnstorable, // DocumentValidationFailure
	10334: store.ErrUnstorable, // BSONObjectTooLarge
	17280: store.ErrUnstorable, // KeyTooLong

	13:    store.ErrConfiguration, // no rights
	18:    store.ErrConfiguration, // wrong password
	26:    store.ErrConfiguration, // NamespaceNotFound
	85:    store.ErrConfiguration, // IndexOptionsConflict
	86:    store.ErrConfiguration, // IndexKeySpecsConflict
	8000:  store.ErrConfiguration, // AtlasError
	13436: store.ErrUnavailable,   // NotPrimaryOrSecondary

	1:        store.ErrUnavailable, // InternalError: FerretDB without Postgres
	6:        store.ErrUnavailable, // HostUnreachable
	7:        store.ErrUnavailable, // HostNotFound
	24:       store.ErrUnavailable, // LockTimeout
	50:       store.ErrUnavailable, // MaxTimeMSExpired
	64:       store.ErrUnavailable, // WriteConcernTimeout
	89:       store.ErrUnavailable, // NetworkTimeout
	91:       store.ErrUnavailable, // ShutdownInProgress
	100:      store.ErrUnavailable, // UnsatisfiableWriteConcern
	112:      store.ErrUnavailable, // WriteConflict
	133:      store.ErrUnavailable, // FailedToSatisfyReadPreference
	189:      store.ErrUnavailable, // PrimarySteppedDown
	262:      store.ErrUnavailable, // ExceededTimeLimit
	9001:     store.ErrUnavailable, // SocketException
	10107:    store.ErrUnavailable, // NotWritablePrimary
	11600:    store.ErrUnavailable, // InterruptedAtShutdown
	11602:    store.ErrUnavailable, // InterruptedDueToReplStateChange
	13435:    store.ErrUnavailable, // NotPrimaryNoSecondaryOk
	16908292: store.ErrUnavailable, // FerretDB: deadlock detected
}

// classOf returns the class of a server's error code.
func classOf(code int) error {
	if class, ok := codes[code]; ok {
		return class
	}
	return store.ErrUnknown
}

// classify wraps the failure of a whole operation in its class. The server's text
// is left out: it may quote documents, and so personal data.
func classify(err error) error {
	var server mongo.ServerError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, mongo.ErrClientDisconnected):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case errors.As(err, &server):
		return classifyServer(server)
	case mongo.IsNetworkError(err), mongo.IsTimeout(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", store.ErrUnknown, err)
	}
}

// classifyServer decides by the codes, then by the driver's labels.
func classifyServer(err mongo.ServerError) error {
	list := slices.DeleteFunc(err.ErrorCodes(), func(code int) bool { return code == 0 })
	slices.Sort(list)
	for _, class := range []error{store.ErrConfiguration, store.ErrUnavailable, store.ErrUnstorable} {
		for _, code := range list {
			if classOf(code) == class { //nolint:errorlint // the table holds the sentinels themselves
				return fmt.Errorf("%w: server error %d", class, code)
			}
		}
	}
	if mongo.IsNetworkError(err) || mongo.IsTimeout(err) || err.HasErrorLabel("RetryableWriteError") {
		return fmt.Errorf("%w: server errors %v", store.ErrUnavailable, list)
	}
	return fmt.Errorf("%w: server errors %v", store.ErrUnknown, list)
}

// perDocument distributes the result of an unordered bulk over its documents: nil,
// store.ErrDuplicate or store.ErrUnstorable for each. Any other error is the
// failure of the whole bulk.
func perDocument(n int, err error) ([]error, error) {
	errs := make([]error, n)
	if err == nil {
		return errs, nil
	}
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) {
		return nil, classify(err)
	}
	if bulk.WriteConcernError != nil {
		// Written, but not durable: nothing may be acknowledged.
		return nil, fmt.Errorf("%w: write concern error %d", store.ErrUnavailable, bulk.WriteConcernError.Code)
	}
	if len(bulk.WriteErrors) == 0 {
		return nil, classify(err)
	}
	for _, we := range bulk.WriteErrors {
		class := classOf(we.Code)
		if we.Index < 0 || we.Index >= n {
			return nil, fmt.Errorf("%w: write error %d outside of the bulk", store.ErrUnknown, we.Code)
		}
		if !errors.Is(class, store.ErrDuplicate) && !errors.Is(class, store.ErrUnstorable) {
			return nil, fmt.Errorf("%w: write error %d", class, we.Code)
		}
		errs[we.Index] = fmt.Errorf("%w: write error %d", class, we.Code)
	}
	return errs, nil
}
