package mongo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

func TestErrorsAreClassified(t *testing.T) {
	secret := "text that quotes personal data"
	command := func(code int32) error {
		return fmt.Errorf("wrapped: %w", mongo.CommandError{Code: code, Message: secret, Name: "Name"})
	}
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"nil":                  {nil, nil},
		"cancelled":            {context.Canceled, store.ErrUnavailable},
		"deadline":             {fmt.Errorf("x: %w", context.DeadlineExceeded), store.ErrUnavailable},
		"disconnected":         {mongo.ErrClientDisconnected, store.ErrUnavailable},
		"network":              {mongo.CommandError{Labels: []string{"NetworkError"}, Wrapped: &net.OpError{}}, store.ErrUnavailable},
		"shutdown":             {command(91), store.ErrUnavailable},
		"not primary":          {command(10107), store.ErrUnavailable},
		"deadlock":             {command(16908292), store.ErrUnavailable},
		"internal":             {command(1), store.ErrUnavailable},
		"no rights":            {command(13), store.ErrConfiguration},
		"wrong password":       {command(18), store.ErrConfiguration},
		"too large":            {command(10334), store.ErrUnstorable},
		"validation":           {command(121), store.ErrUnstorable},
		"unknown code":         {command(4711), store.ErrUnknown},
		"no server's":          {errors.New("unclassified"), store.ErrUnknown},
		"retryable by a label": {mongo.CommandError{Code: 4711, Labels: []string{"RetryableWriteError"}}, store.ErrUnavailable},
	} {
		got := classify(c.err)
		if !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if !errors.Is(c.want, store.ErrUnknown) && errors.Is(got, store.ErrUnknown) {
			t.Errorf("%s raises an alarm: %v", name, got)
		}
		if got != nil && strings.Contains(got.Error(), secret) {
			t.Errorf("%s quotes the server: %v", name, got)
		}
	}
}

func TestBulkErrorsAreDistributed(t *testing.T) {
	writeErrors := func(codes ...int) error {
		var e mongo.BulkWriteException
		for i, code := range codes {
			e.WriteErrors = append(e.WriteErrors, mongo.BulkWriteError{WriteError: mongo.WriteError{Index: 2 * i, Code: code}})
		}
		return e
	}
	errs, err := perDocument(4, writeErrors(11000, 121))
	if err != nil || !errors.Is(errs[0], store.ErrDuplicate) || errs[1] != nil || !errors.Is(errs[2], store.ErrUnstorable) {
		t.Errorf("duplicate and unstorable: %v, %v", errs, err)
	}
	for name, c := range map[string]struct{ err, want error }{
		"a deadlock among duplicates": {writeErrors(11000, 16908292), store.ErrUnavailable},
		"a password":                  {writeErrors(13), store.ErrConfiguration},
		"an unknown one":              {writeErrors(4711), store.ErrUnknown},
		"outside of the bulk":         {writeErrors(11000, 11000, 11000), store.ErrUnknown},
		"no majority": {
			mongo.BulkWriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, store.ErrUnavailable,
		},
		"no errors":        {mongo.BulkWriteException{}, store.ErrUnknown},
		"the whole bulk":   {mongo.CommandError{Code: 10334}, store.ErrUnstorable},
		"the network":      {context.DeadlineExceeded, store.ErrUnavailable},
		"duplicate, whole": {mongo.CommandError{Code: 11000}, store.ErrUnknown},
	} {
		errs, err := perDocument(4, c.err)
		if errs != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, errs, err)
		}
	}
}

func TestInvalidURIsAreNotShown(t *testing.T) {
	for _, uri := range []string{
		"", "localhost", "http://user:hunter2@host", "mongodb://user:hunter2@host:port", "mongodb://user:hun/ter2@host",
		"mongodb://user:hunter2@host/?w=-5", "mongodb://user:hunter2@host/?tls=maybe", "mongodb://",
	} {
		_, err := Open(t.Context(), Config{URI: uri})
		if !errors.Is(err, store.ErrConfiguration) {
			t.Errorf("%q: %v", uri, err)
			continue
		}
		if strings.Contains(err.Error(), "hun") || strings.Contains(err.Error(), "user") {
			t.Errorf("the error shows the URI: %v", err)
		}
	}
}

// TestURICannotWeakenWriteConcern: Insert promises durability.
func TestURICannotWeakenWriteConcern(t *testing.T) {
	for _, uri := range []string{"mongodb://host", "mongodb://host/?w=0", "mongodb://host/?w=1&journal=false"} {
		opts, err := clientOptions(Config{URI: uri})
		if err != nil {
			t.Fatal(err)
		}
		if wc := opts.WriteConcern; wc.W != "majority" || wc.Journal == nil || !*wc.Journal {
			t.Errorf("%s: write concern %+v", uri, wc)
		}
	}
}

// TestUnreachableServerIsUnavailable: Open does not wait; the first operation
// reports the failure within its timeout.
func TestUnreachableServerIsUnavailable(t *testing.T) {
	s, err := Open(t.Context(), Config{URI: "mongodb://user:hunter2@" + daemontest.FreeAddr(), Timeout: 200_000_000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	_, insert := s.Insert(t.Context(), []*store.Document{{ID: "demo/x", Status: store.Stored}})
	_, holders := s.Holders(t.Context(), []string{"demo/x"})
	_, events := s.Find(t.Context(), query.Events{Limit: 1})
	for call, err := range map[string]error{
		"Ready": s.Ready(t.Context()), "Insert": insert, "Holders": holders, "Find": events,
		"Prepare": s.Prepare(t.Context()), "RaiseRevision": s.RaiseRevision(t.Context(), 1),
	} {
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknown) {
			t.Errorf("%s: %v", call, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s shows the password: %v", call, err)
		}
	}
}
