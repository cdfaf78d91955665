package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// DropDatabase removes the database of a Pipeline made by Split, after Stop. A single
// process has none.
func (p *Pipeline) DropDatabase(ctx context.Context) (err error) {
	if p.database.name == "" {
		return nil
	}
	client, err := mongo.Connect(options.Client().ApplyURI(p.database.uri))
	if err != nil {
		return fmt.Errorf("connect to drop %s: %w", p.database.name, err)
	}
	defer func() { err = errors.Join(err, client.Disconnect(ctx)) }()
	if err := client.Database(p.database.name).Drop(ctx); err != nil {
		return fmt.Errorf("drop %s: %w", p.database.name, err)
	}
	return nil
}

// Database returns the location of the events of a Pipeline made by Split; both
// are "" for a single process.
func (p *Pipeline) Database() (uri, name string) { return p.database.uri, p.database.name }

// Setenv gives every process that knows the setting name another value, from
// its next start on.
func (p *Pipeline) Setenv(name, value string) {
	for _, proc := range p.Processes {
		for i, setting := range proc.Env {
			if strings.HasPrefix(setting, name+"=") {
				proc.Env[i] = name + "=" + value
			}
		}
	}
}

// FindProcesses returns the processes whose name starts with prefix, in the order in
// which they are started.
func (p *Pipeline) FindProcesses(prefix string) []*Process {
	var found []*Process
	for _, proc := range p.Processes {
		if strings.HasPrefix(proc.Name, prefix) {
			found = append(found, proc)
		}
	}
	return found
}
