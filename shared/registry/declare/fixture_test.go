package declare

import (
	"log/slog"
	"testing"
	"testing/fstest"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// someKey is the key of registrytest.SomeType, anySchema a record that allows
	// all of its events.
	someKey   = stream.KeyTypes + ".page=20interaction.cta=20click"
	anySchema = `{"schema": {}}`
)

// hash is the digest of the secret some-key.
var hash = registry.DigestOf("some-key").String()

func mapFS(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// run runs a registry until the test ends.
func run(t *testing.T, cfg registry.Config) *registry.Registry {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	r := registry.New(cfg)
	registrytest.Background(t, r.Run)
	return r
}
