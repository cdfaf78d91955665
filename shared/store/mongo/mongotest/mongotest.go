// Package mongotest gives tests the MongoDB server at EYE_TEST_MONGO_URI: a
// database of its own for each test, and the options that this server needs.
package mongotest

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store/mongo"
)

// patience bounds one operation on the server.
const patience = time.Minute

// URI returns the URI of the server. It fails the test where none is given.
func URI(tb testing.TB) string {
	tb.Helper()
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		tb.Fatal("no MongoDB to test with: set EYE_TEST_MONGO_URI or run make test")
	}
	return uri
}

// Config returns the configuration of a store in a database of its own, which is
// dropped when the test ends.
func Config(tb testing.TB) mongo.Config {
	tb.Helper()
	uri := URI(tb)
	windows, err := timeWindows()
	if err != nil {
		tb.Fatalf("ask the MongoDB server for its build: %v", err)
	}
	name := "theeye_test_" + strings.ToLower(rand.Text())
	tb.Cleanup(func() {
		err := withClient(uri, func(ctx context.Context, client *driver.Client) error {
			return client.Database(name).Drop(ctx)
		})
		if err != nil {
			tb.Errorf("drop database %s: %v", name, err)
		}
	})
	return mongo.Config{URI: uri, Database: name, TimeWindows: windows}
}

// Open opens a store, and closes it when the test ends.
func Open(tb testing.TB, cfg mongo.Config) *mongo.Store {
	tb.Helper()
	s, err := mongo.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Collection returns a collection of the store's database as any other client sees it, by
// a connection that ends with the test.
func Collection(tb testing.TB, cfg mongo.Config, name string) *driver.Collection {
	tb.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(cfg.URI))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(tb.Context())) })
	return client.Database(cfg.Database).Collection(name)
}

// timeWindows is NeedsTimeWindows of the server for tests, which is asked once.
var timeWindows = sync.OnceValues(func() (bool, error) { return NeedsTimeWindows(os.Getenv("EYE_TEST_MONGO_URI")) })

// NeedsTimeWindows reports whether the server is FerretDB, which needs
// mongo.Config.TimeWindows to answer pages fast.
func NeedsTimeWindows(uri string) (bool, error) {
	ferret := false
	err := withClient(uri, func(ctx context.Context, client *driver.Client) error {
		raw, err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Raw()
		_, missing := raw.LookupErr("ferretdb")
		ferret = err == nil && missing == nil
		return err
	})
	return ferret, err
}

// withClient calls do with a client that it closes afterwards.
func withClient(uri string, do func(context.Context, *driver.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, client), client.Disconnect(ctx))
}
