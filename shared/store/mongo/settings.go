package mongo

import (
	"context"
	"errors"

	"github.com/theeye/theeye/shared/daemon"
)

// Settings are the settings of a process that keeps events in MongoDB.
type Settings struct {
	MongoURI      URI    `name:"mongo-uri" env:"EYE_MONGO_URI" default:"mongodb://127.0.0.1:27017/" placeholder:"URI" help:"MongoDB connection string, with user and password where the server requires them (${default})."`
	MongoDatabase string `name:"mongo-database" env:"EYE_MONGO_DATABASE" default:"theeye" placeholder:"NAME" help:"Name of the database (${default})."`
}

// URI is the setting of a MongoDB connection string.
type URI = daemon.Value[string, uriRule]

type uriRule struct{}

// Parse reads a connection string. The error does not show it.
func (uriRule) Parse(text string) (string, error) { return text, CheckURI(text) }

// CheckURI returns the fault of a connection string, or nil, without connecting to
// the server.
func CheckURI(uri string) error {
	s, err := Open(context.Background(), Config{URI: uri})
	if err != nil {
		return err
	}
	return errors.Join(s.Close(context.Background()))
}
