package standalone

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Defaults of Config.
const (
	DefaultListen      = "127.0.0.1:8080"
	DefaultAdminListen = "127.0.0.1:8090"
	DefaultDataDir     = "./data"
)

// minOperatorToken is the least length of an operator token, in bytes: one
// that can be guessed opens everything.
const minOperatorToken = 16

// Config is what an operator decides about the process. The zero value of
// every field but Logger and Metrics is its default.
type Config struct {
	// Listen and AdminListen are host:port.
	Listen, AdminListen string
	// DataDir is created, and locked: one process a folder.
	DataDir string
	// MongoURI keeps the events in MongoDB instead of the data folder, in
	// MongoDatabase.
	MongoURI, MongoDatabase string
	// MongoTimeWindows is mongo.Config.TimeWindows.
	MongoTimeWindows bool
	// ConfigDir is a folder of declarations that is applied and followed.
	ConfigDir string
	// Dev adds public credentials and the sample types, in memory and
	// registry; Listen must then be loopback.
	Dev bool
	// OperatorToken is valid in this process and never stored.
	OperatorToken string
	// Stream limits the stream.
	Stream stream.Config
	// AuditRate is how many sequences of the stream a second the continuous
	// audit accounts for; 0 is none.
	AuditRate int
	// MinFree is the free disk space, in bytes, below which events are not
	// taken; 0 is natsd.DefaultMinFree.
	MinFree uint64

	Logger  *slog.Logger
	Metrics *prometheus.Registry
	// NewOperatorToken is called with the secret of an operator token that Run
	// made because there was none: it is nowhere else.
	NewOperatorToken func(secret string)

	// WrapStore and WrapHandler, where set, stand between the services and
	// their store, and between the listener and the services: fault tests
	// plant bugs with them.
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
	if c.NewOperatorToken == nil {
		c.NewOperatorToken = func(string) {}
	}
	c.Stream = c.Stream.WithDefaults()
	return c
}

// Faults returns everything that is wrong with c, as far as it can be told
// without starting anything.
func (c Config) Faults() daemon.Faults {
	c = c.withDefaults()
	var faults daemon.Faults
	for _, address := range []struct{ name, value string }{{"listen", c.Listen}, {"admin listen", c.AdminListen}} {
		if err := daemon.CheckAddress(address.value); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", address.name, err))
		} else if address.name == "listen" && c.Dev && !loopback(address.value) {
			faults = append(faults, fmt.Sprintf("listen: %q is reached from other machines, and the keys of --dev are public: "+
				"use 127.0.0.1, or leave out --dev", address.value))
		}
	}
	if info, err := os.Stat(c.ConfigDir); c.ConfigDir != "" && (err != nil || !info.IsDir()) {
		faults = append(faults, fmt.Sprintf("config: %q is no folder", c.ConfigDir))
	}
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() {
		faults = append(faults, fmt.Sprintf("data: %q is no folder", c.DataDir))
	}
	if n := len(c.OperatorToken); n > 0 && n < minOperatorToken {
		faults = append(faults, fmt.Sprintf("EYE_OPERATOR_TOKEN: needs at least %d characters", minOperatorToken))
	}
	if err := checkMongo(c.MongoURI, c.MongoDatabase); err != nil {
		faults = append(faults, fmt.Sprintf("mongo: %v", err))
	}
	if c.Stream.Replicas != 1 {
		faults = append(faults, "EYE_STREAM_REPLICAS: one process has one replica")
	}
	if c.AuditRate < 0 {
		faults = append(faults, "EYE_AUDIT_RATE: wants 0, for none, or events a second")
	}
	return faults
}

// loopback says whether only this machine reaches an address. A name other
// than localhost may lead anywhere.
func loopback(listen string) bool {
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
