package mongo

import (
	"context"
	"errors"

	"github.com/theeye/theeye/shared/daemon"
)

// Settings are the settings of a process that keeps events in MongoDB.
type Settings struct {
	MongoURI      string `name:"mongo-uri" env:"EYE_MONGO_URI" default:"mongodb://127.0.0.1:27017/" placeholder:"URI" help:"MongoDB connection string, with user and password where the server requires them (${default})."`
	MongoDatabase string `name:"mongo-database" env:"EYE_MONGO_DATABASE" default:"theeye" placeholder:"NAME" help:"Name of the database (${default})."`
}

// Faults returns the fault of the connection string. It may look up names in DNS,
// so a health check must not depend on it.
func (s *Settings) Faults() daemon.Faults {
	if err := CheckURI(s.MongoURI); err != nil {
		return daemon.Faults{"EYE_MONGO_URI: " + err.Error()}
	}
	return nil
}

// CheckURI returns the fault of a connection string, or nil, without connecting to
// the server. The error does not show the string.
func CheckURI(uri string) error {
	s, err := Open(context.Background(), Config{URI: uri})
	if err != nil {
		return err
	}
	return errors.Join(s.Close(context.Background()))
}
