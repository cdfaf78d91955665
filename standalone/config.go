package standalone

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

// Defaults of Config.
const (
	DefaultListen      = "127.0.0.1:8080"
	DefaultAdminListen = "127.0.0.1:8090"
	DefaultDataDir     = "./data"
)

// Settings are the settings of the process as flags and environment variables.
type Settings struct {
	Dev          bool         `env:"EYE_DEV" help:"Add application demo with public keys, and the sample types. Refuses to listen beyond this machine."`
	Listen       string       `env:"EYE_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where events are accepted and queries answered (${default})."`
	AdminListen  string       `env:"EYE_ADMIN_LISTEN" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Health, readiness, metrics and profiles (${default})."`
	AllowedHosts daemon.Hosts `env:"EYE_ALLOWED_HOSTS" placeholder:"HOSTS" help:"Names, beside addresses and localhost, by which clients reach queries and the admin listener: separated by commas, *.example.com for all below a domain (none)."`
	Data         string       `env:"EYE_DATA" default:"./data" placeholder:"DIR" help:"Data folder (${default}), which one process at a time can use."`
	Mongo        string       `env:"EYE_MONGO_URI" placeholder:"URI" help:"Keep events in MongoDB instead."`
	Columns      string       `env:"EYE_COLUMNS" placeholder:"DIR" help:"Folder of the columns from which statistics are answered; it is derived from the events (columns in --data)."`
	Config       string       `env:"EYE_CONFIG" placeholder:"DIR" help:"Apply the declarations of a folder, and follow it."`

	MongoDatabase    string      `env:"EYE_MONGO_DATABASE" default:"theeye" placeholder:"NAME" help:"Database of --mongo (${default})."`
	MongoTimeWindows daemon.Bool `env:"EYE_MONGO_TIME_WINDOWS" default:"false" placeholder:"BOOL" help:"Read pages in windows of time: true where --mongo is FerretDB (${default})."`
	OperatorToken    string      `env:"EYE_OPERATOR_TOKEN" placeholder:"TOKEN" help:"Operator token that is valid while set and never stored (none). Other users of the machine can see flags: prefer the variable."`
	processor.StreamSettings
	daemon.BodySettings
	MinFree  daemon.Bytes `env:"EYE_MIN_FREE" default:"512MiB" placeholder:"SIZE" help:"Free disk space below which no events are accepted: bytes, or a number of KiB, MiB, GiB or TiB (${default})."`
	LogLevel daemon.Level `env:"EYE_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Lowest level that is logged: debug, info, warn or error (${default})."`
}

// Configure returns the configuration of the settings for a process.
func (s *Settings) Configure(p *daemon.Process) Config {
	return Config{
		Listen: s.Listen, AdminListen: s.AdminListen, Hosts: s.AllowedHosts.Value, DataDir: s.Data, ColumnsDir: s.Columns,
		MongoURI: s.Mongo, MongoDatabase: s.MongoDatabase, MongoTimeWindows: s.MongoTimeWindows.Value,
		ConfigDir: s.Config, Dev: s.Dev, OperatorToken: s.OperatorToken,
		Stream:    stream.Config{MaxBytes: s.StreamMaxBytes.Value, Retention: s.StreamRetention.Value},
		AuditRate: s.AuditRate.Value,
		MinFree:   uint64(s.MinFree.Value),
		BodyPace:  s.Pace(),
		Logger:    p.Logger, Metrics: p.Metrics,
	}
}

// Config configures an App. The zero value of every field but Logger and Metrics
// is its default.
type Config struct {
	// Listen and AdminListen are host:port.
	Listen, AdminListen string
	// Hosts are names by which queries and the admin listener are reached: see
	// httpserver.NewHosts.
	Hosts []string
	// DataDir is created and locked: a folder has one process.
	DataDir string
	// ColumnsDir is the folder of the columns, which are derived from the events; "" is
	// columns in DataDir.
	ColumnsDir string
	// MongoURI keeps the events in MongoDB instead of the data folder, in
	// MongoDatabase.
	MongoURI, MongoDatabase string
	// MongoTimeWindows is mongo.Config.TimeWindows.
	MongoTimeWindows bool
	// ConfigDir is a folder of declarations that is applied and followed.
	ConfigDir string
	// Dev adds public credentials and the sample types, in memory and
	// registry; every address must then be loopback.
	Dev bool
	// OperatorToken is valid in this process and never stored.
	OperatorToken string
	// Stream limits the stream.
	Stream stream.Config
	// AuditRate is how many sequences of the stream per second the continuous
	// audit accounts for; 0 turns it off.
	AuditRate int
	// MinFree is the free disk space, in bytes, below which no events are
	// accepted; 0 is natsd.DefaultMinFree.
	MinFree uint64
	// BodyPace bounds the arrival of bodies; its zero fields are those of
	// httpserver.DefaultBodyPace.
	BodyPace httpserver.Pace

	Logger  *slog.Logger
	Metrics *prometheus.Registry
	// NewOperatorToken is called with the secret of the operator token that Run
	// created because the registry had none. The secret is not stored.
	NewOperatorToken func(secret string)

	// WrapStore and WrapHandler, where set, wrap the store of the services and
	// the handler of the public listener: fault tests plant bugs with them.
	WrapStore   func(store.Store) store.Store
	WrapHandler func(http.Handler) http.Handler
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.AdminListen == "" {
		c.AdminListen = DefaultAdminListen
	}
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir
	}
	if c.ColumnsDir == "" {
		c.ColumnsDir = filepath.Join(c.DataDir, "columns")
	}
	if c.NewOperatorToken == nil {
		c.NewOperatorToken = func(string) {}
	}
	c.Stream = c.Stream.WithDefaults()
	return c
}

// Faults returns all faults of c that are found without starting anything.
func (c Config) Faults() daemon.Faults {
	c = c.withDefaults()
	var faults daemon.Faults
	for _, address := range []struct{ name, value string }{{"listen", c.Listen}, {"admin listen", c.AdminListen}} {
		if err := daemon.CheckAddress(address.value); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", address.name, err))
		} else if c.Dev && !isLoopback(address.value) {
			faults = append(faults, fmt.Sprintf("%s: %q is reached from other machines, and the keys of --dev are public: "+
				"use 127.0.0.1, or omit --dev", address.name, address.value))
		}
	}
	if c.ConfigDir != "" {
		if err := daemon.CheckDirectory(c.ConfigDir); err != nil {
			faults = append(faults, fmt.Sprintf("config: %v", err))
		}
	}
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() {
		faults = append(faults, fmt.Sprintf("data: %q must be a directory", c.DataDir))
	}
	if c.OperatorToken != "" {
		if err := daemon.CheckSecret(c.OperatorToken); err != nil {
			faults = append(faults, fmt.Sprintf("EYE_OPERATOR_TOKEN: %v", err))
		} else if err := wiring.CheckOperatorToken(c.OperatorToken); err != nil && !c.Dev {
			faults = append(faults, fmt.Sprintf("EYE_OPERATOR_TOKEN: %v", err))
		}
	}
	if c.MongoURI != "" {
		if err := mongo.CheckURI(c.MongoURI); err != nil {
			faults = append(faults, fmt.Sprintf("mongo: %v", err))
		}
	}
	if c.Stream.Replicas != 1 {
		faults = append(faults, "EYE_STREAM_REPLICAS: must be 1 in one process")
	}
	if c.AuditRate < 0 {
		faults = append(faults, "EYE_AUDIT_RATE: must be at least 0")
	}
	return faults
}

// isLoopback returns whether only this machine reaches an address. A name other
// than localhost may resolve to any address.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
