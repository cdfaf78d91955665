package queryapi

import (
	"context"
	"errors"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store/mongo"
)

// Settings are the settings of a query API process.
type Settings struct {
	Listen daemon.Address `env:"EYE_LISTEN" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address on which queries are answered (${default})."`
	daemon.NATSSettings
	mongo.Settings
	MongoTimeWindows daemon.Bool      `env:"EYE_MONGO_TIME_WINDOWS" default:"false" placeholder:"BOOL" help:"Read pages in windows of time: true where the server is FerretDB (${default})."`
	Config           daemon.Directory `env:"EYE_CONFIG" placeholder:"DIR" help:"Apply the declarations of a directory, and follow its changes (none)."`
	OperatorToken    daemon.Secret    `env:"EYE_OPERATOR_TOKEN" placeholder:"TOKEN" help:"Operator token that is valid while set and never stored (none). Other users of the machine can see flags: prefer the variable."`
	daemon.Common
}

// Faults returns the fault of the connection string.
func (s *Settings) Faults() daemon.Faults { return s.Settings.Faults() }

// Run is a query API process. It needs neither NATS nor MongoDB to start: until
// they are available, it is not ready and answers 503.
func Run(ctx context.Context, p *daemon.Process, s *Settings) (err error) {
	store, err := mongo.Open(ctx, mongo.Config{
		URI: s.MongoURI, Database: s.MongoDatabase, TimeWindows: s.MongoTimeWindows.Value,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, wiring.CloseStore(ctx, store)) }()
	conn, js, err := wiring.Connect(p, s.NATSSettings)
	if err != nil {
		return err
	}
	defer conn.Close()
	b := wiring.New(registry.Config{
		JetStream: js, Static: wiring.OperatorCredentials(s.OperatorToken.Value), Logger: p.Logger,
	})
	service, err := New(Config{ //nolint:contextcheck // a request brings its own
		Listen: s.Listen.Value, JetStream: js, Registry: b.Registry, Store: store, Logger: p.Logger, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	b.AddHeartbeat(heartbeat.Config{Service: p.Name, Logger: p.Logger})
	var more []daemon.Step
	if s.Config.Value != "" {
		more = append(more, daemon.Step{Name: "declarations", Run: func(ctx context.Context) error {
			return declare.Follow(ctx, s.Config.Value, wiring.FollowInterval, js, p.Logger)
		}})
	}
	return b.Serve(ctx, p, s.AdminListen.Value, service, more...)
}
