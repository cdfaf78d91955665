package queryapi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

// Settings are the settings of a query API process.
type Settings struct {
	Listen daemon.Address `env:"EYE_LISTEN" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address on which queries are answered (${default})."`
	daemon.NATSSettings
	mongo.Settings
	MongoTimeWindows daemon.Bool      `env:"EYE_MONGO_TIME_WINDOWS" default:"false" placeholder:"BOOL" help:"Read pages in windows of time: true where the server is FerretDB (${default})."`
	StreamReplicas   daemon.Count     `env:"EYE_STREAM_REPLICAS" default:"1" placeholder:"N" help:"Replicas of the registry: 1, or 3 or 5 in a cluster (${default})."`
	Config           daemon.Directory `env:"EYE_CONFIG" placeholder:"DIR" help:"Apply the declarations of a directory, and follow its changes (none)."`
	Columns          string           `env:"EYE_COLUMNS" placeholder:"DIR" help:"Folder of the columns from which statistics are answered; it is derived from the store, and one process at a time can use it (theeye/columns in the user's cache, else ./columns)."`
	OperatorToken    daemon.Secret    `env:"EYE_OPERATOR_TOKEN" placeholder:"TOKEN" help:"Operator token that is valid while set and never stored (none). Other users of the machine can see flags: prefer the variable."`
	daemon.BodySettings
	daemon.Common
}

// Faults returns the faults of the connection string, of the replicas and of the
// token.
func (s *Settings) Faults() daemon.Faults {
	faults := s.Settings.Faults()
	if r := s.StreamReplicas.Value; r != 1 && r != 3 && r != 5 {
		faults = append(faults, "EYE_STREAM_REPLICAS: must be 1, 3 or 5")
	}
	if err := wiring.CheckOperatorToken(s.OperatorToken.Value); err != nil {
		faults = append(faults, "EYE_OPERATOR_TOKEN: "+err.Error())
	}
	return faults
}

// columnsDir returns the folder of the columns: the one that is set, else one in the
// user's cache, where there is one, else in the working directory.
func columnsDir(set string) string {
	if set != "" {
		return set
	}
	if cache, err := os.UserCacheDir(); err == nil {
		return filepath.Join(cache, "theeye", "columns")
	}
	return "columns"
}

// memoryLimit is the soft limit of Go's memory, in bytes: it leaves to the columns of ten
// million events, which take some 250 MiB, what answers need beside them.
const memoryLimit = 400 << 20

// Run is a query API process. It needs neither NATS nor MongoDB to start: until
// they are available, it is not ready and answers 503.
func Run(ctx context.Context, p *daemon.Process, s *Settings) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
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
	}, p.Metrics)
	service, err := New(Config{ //nolint:contextcheck // a request brings its own
		Listen: s.Listen.Value, Hosts: s.AllowedHosts.Value, JetStream: js, Registry: b.Registry, Store: store, ColumnsDir: columnsDir(s.Columns), Logger: p.Logger, Metrics: p.Metrics,
		BodyPace: s.Pace(),
	})
	if err != nil {
		return err
	}
	b.AddHeartbeat(heartbeat.Config{Service: p.Name, Logger: p.Logger})
	more := []daemon.Step{{Name: "buckets", Run: (&bucketKeeper{
		js: js, log: p.Logger, config: stream.Config{Replicas: s.StreamReplicas.Value},
	}).keepBuckets}}
	if s.Config.Value != "" {
		more = append(more, daemon.Step{Name: "declarations", Run: func(ctx context.Context) error {
			return declare.Follow(ctx, s.Config.Value, wiring.FollowInterval, js, p.Logger)
		}})
	}
	return b.Serve(ctx, p, s.Common, service, more...)
}
