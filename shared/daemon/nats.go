package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

// ConnectNATS connects to a NATS server that may not be there yet: it retries
// for as long as the connection is open, also after a refused login, and logs
// each loss and return once. User and password come from the URL, or credentials
// from the file named by EYE_NATS_CREDS. name is the service: what the server
// shows of this client, and in the prefix of its inbox, which is _INBOX_<name>: so
// a server can allow each service to hear its own answers alone.
func ConnectNATS(url, name string, log *slog.Logger, opts ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix("_INBOX_" + name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.Timeout(5 * time.Second),
		// A peer that vanished without a word is noticed within half a minute.
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
	}
	if file := os.Getenv("EYE_NATS_CREDS"); file != "" {
		all = append(all, nats.UserCredentials(file))
	}
	all = append(append(all, LogNATS(log)...), opts...)
	nc, err := nats.Connect(url, all...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// LogNATS are options that log what happens to one connection. Of failed
// attempts to connect the first is logged, with why: a refused login waits for a
// person.
func LogNATS(log *slog.Logger) []nats.Option {
	told := false // of an attempt; the connection calls one handler at a time
	return []nats.Option{
		nats.ConnectHandler(func(nc *nats.Conn) {
			told = false
			log.Info("NATS connected", slog.String("server", nc.ConnectedAddr()))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			told = false
			log.Info("NATS connected again", slog.String("server", nc.ConnectedAddr()))
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			if !told {
				told = true
				log.Warn("no connection to NATS; trying again", slog.Any("error", err))
			}
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if nc.IsClosed() || err == nil {
				return // closed on purpose
			}
			log.Warn("NATS connection lost", slog.Any("error", err))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("NATS reports an error", slog.Any("error", err))
		}),
	}
}
