package daemon

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// ConnectNATS connects to a NATS server that need not run yet: it retries for as
// long as the connection is open, also after a refused login, and logs each loss
// and return once. The server shows name for this client. The inbox prefix is
// _INBOX_<name>, so that a server can restrict each service to its own replies.
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
		// A peer that vanished is detected within half a minute.
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
	}
	all = append(append(all, LogNATS(log)...), opts...)
	nc, err := nats.Connect(url, all...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// LogNATS returns options that log the events of one connection. Of failed
// attempts to connect only the first is logged, with its reason: a refused login
// lasts until an operator acts.
func LogNATS(log *slog.Logger) []nats.Option {
	logged := false // a failed attempt; the connection calls one handler at a time
	return []nats.Option{
		nats.ConnectHandler(func(nc *nats.Conn) {
			logged = false
			log.Info("NATS connected", slog.String("server", nc.ConnectedAddr()))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			logged = false
			log.Info("NATS connected again", slog.String("server", nc.ConnectedAddr()))
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			if !logged {
				logged = true
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
