package natsd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// DefaultMinFree is the floor of free disk space, in bytes: room for events
	// that are accepted before Guard notices, for the store's own files, and for
	// an operator to log in.
	DefaultMinFree = 512 << 20
	// DefaultMaxStore bounds what the limits of all streams may reserve together,
	// in bytes. It is larger than any disk: each stream has a limit of its own, and
	// below what existing streams reserve the server would refuse every change of
	// a limit, also the one that lowers it.
	DefaultMaxStore = 1 << 50

	// maxPayload carries an event of 1 MiB with its headers; one message above
	// it fails its whole batch.
	maxPayload = 2 << 20
	// maxMemory bounds streams in memory, such as the bucket of heartbeats. Unset,
	// it would be three quarters of the machine's memory.
	maxMemory = 64 << 20
	// writeDeadline is how long a client may block a write to its connection.
	writeDeadline = 10 * time.Second
)

// Config configures a Server. The zero value of every field but Dir is its
// default.
type Config struct {
	// Dir is the data folder, which is created and locked. JetStream keeps its
	// files in the folder jetstream inside.
	Dir string
	// MaxStore bounds what streams reserve on disk, in bytes; default
	// DefaultMaxStore.
	MaxStore int64
	// Listen is a loopback address, host:port, for other processes of this
	// machine; "" lets only this process connect. Port 0 is any free port.
	Listen string
	// MinFree is the free space of the disk, in bytes, below which Guard
	// refuses; default DefaultMinFree.
	MinFree uint64
	// StageInMemory names a stream whose atomic batches are staged in memory while they
	// arrive, where the system has a memory file system with room. They are synced to
	// disk before their acknowledgement all the same.
	StageInMemory string
	// Unsynced leaves the syncing of files to the caller, after Close: for a folder
	// that counts only once it is whole.
	Unsynced bool
	// Logger gets the log lines of the server; default slog.Default().
	Logger *slog.Logger

	// memory is the folder for StageInMemory; default memoryFolder(). Tests set it.
	memory string
}

// withDefaults returns c with every zero field set, and Dir made absolute, so
// that it stays the same folder if the process changes its own.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("natsd: no data folder is set")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("natsd: data folder: %w", err)
	}
	c.Dir = dir
	if c.MaxStore == 0 {
		c.MaxStore = DefaultMaxStore
	}
	if c.MinFree == 0 {
		c.MinFree = DefaultMinFree
	}
	if c.memory == "" {
		c.memory = memoryFolder()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// serverOptions returns the options of the server. Options that differ from the
// server's defaults have their reason beside them.
func (c Config) serverOptions() (*server.Options, error) {
	o := &server.Options{
		ServerName:         "theeye",
		DontListen:         true,
		NoSigs:             true, // the process handles signals itself
		JetStream:          true,
		StoreDir:           c.Dir,
		SyncAlways:         !c.Unsynced, // the default acknowledges up to two minutes before the sync
		MaxPayload:         maxPayload,
		MaxPending:         64 << 20,
		MaxTracedMsgLen:    256,
		WriteDeadline:      writeDeadline,
		JetStreamMaxMemory: maxMemory,
		JetStreamMaxStore:  c.MaxStore, // unset: 75 % of what happens to be free
	}
	if c.Listen == "" {
		return o, nil
	}
	host, port, err := loopback(c.Listen)
	if err != nil {
		return nil, err
	}
	o.DontListen, o.Host, o.Port = false, host, port
	return o, nil
}

// loopback splits an address and rejects one that other machines can reach: the
// embedded server requires no password.
func loopback(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("natsd: listen address: %w", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("natsd: the embedded server listens on loopback only, not on %q", listen)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("natsd: listen address %q: port: %w", listen, err)
	}
	if n == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(n), nil
}
