package mongo_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/storetest"
)

// serverURI returns the URI of the server for tests.
func serverURI(tb testing.TB) string {
	tb.Helper()
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		tb.Fatal("no MongoDB to test with: set EYE_TEST_MONGO_URI or run make test")
	}
	return uri
}

// database returns the name of a database of its own, which is dropped when the
// test ends.
func database(tb testing.TB) string {
	tb.Helper()
	name := "theeye_test_" + strings.ToLower(rand.Text())
	client, err := driver.Connect(options.Client().ApplyURI(serverURI(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		if err := client.Database(name).Drop(ctx); err != nil {
			tb.Errorf("drop database %s: %v", name, err)
		}
		if err := client.Disconnect(ctx); err != nil {
			tb.Error(err)
		}
	})
	return name
}

// open returns a store over a database of its own.
func open(tb testing.TB, cfg mongo.Config) *mongo.Store {
	tb.Helper()
	cfg.URI, cfg.Database = serverURI(tb), database(tb)
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

func TestStore(t *testing.T) {
	for name, order := range map[string]mongo.Order{
		"as detected": mongo.OrderDetect, "by index": mongo.OrderByIndex, "by windows": mongo.OrderByWindows,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) store.Store { return open(t, mongo.Config{Order: order}) })
		})
	}
}
