package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store/mongo"
)

const (
	// followEvery is how often the folder of EYE_CONFIG is looked at.
	followEvery = time.Second
	// minOperatorToken keeps tokens that can be guessed out of EYE_OPERATOR_TOKEN.
	minOperatorToken = 16
	// closeWithin bounds the farewell to the store.
	closeWithin = 5 * time.Second
)

// settings are what the service reads from its environment.
type settings struct {
	natsURL, listen, adminListen string
	operatorToken, configDir     string
	store                        *mongo.Store
}

// Run is the service as a process of its own, with its settings from the
// environment: EYE_NATS_URL, EYE_MONGO_URI, EYE_MONGO_DATABASE,
// EYE_MONGO_TIME_WINDOWS, EYE_LISTEN, EYE_ADMIN_LISTEN, EYE_OPERATOR_TOKEN (valid while set, never stored) and
// EYE_CONFIG (a folder of declarations that is applied and followed). It needs
// neither NATS nor MongoDB to start: until they are there, it is not ready and
// answers 503.
func Run(ctx context.Context, p *daemon.Process) (err error) {
	s, err := readSettings(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(ctx, s.store)) }()
	conn, err := daemon.ConnectNATS(s.natsURL, p.Name, p.Logger)
	if err != nil {
		return fmt.Errorf("query API: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("query API: %w", err)
	}
	reg := registry.New(registry.Config{JetStream: js, Static: operatorOf(s.operatorToken), Logger: p.Logger})
	service, err := New(Config{ //nolint:contextcheck // a request brings its own
		Listen: s.listen, JetStream: js, Registry: reg, Store: s.store, Logger: p.Logger, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	admin, err := daemon.Admin(daemon.AdminConfig{
		Listen: s.adminListen, Metrics: p.Metrics, Ready: service.Ready, Logger: p.Logger,
	})
	if err != nil {
		return errors.Join(err, service.Close())
	}
	group := daemon.Group{Logger: p.Logger}
	group.Add("admin", admin.Run)
	group.Add("registry", reg.Run)
	// It ends after the service: a beat says that the service may be at work.
	group.Add("heartbeat", heartbeat.New(heartbeat.Config{
		JetStream: js, Service: p.Name, Revision: reg.Revision, Changed: reg.Changed, Logger: p.Logger,
	}).Run)
	if s.configDir != "" {
		group.Add("declarations", func(ctx context.Context) error {
			return declare.Follow(ctx, s.configDir, followEvery, js, p.Logger)
		})
	}
	group.Add("query API", service.Run)
	return group.Run(ctx)
}

// readSettings reports every fault at once.
func readSettings(ctx context.Context, p *daemon.Process) (settings, error) {
	env := p.Env
	s := settings{
		natsURL:       env.Required("EYE_NATS_URL"),
		listen:        env.String("EYE_LISTEN", "127.0.0.1:8081"),
		adminListen:   env.String("EYE_ADMIN_LISTEN", daemon.DefaultAdminListen("queryapi")),
		operatorToken: env.String("EYE_OPERATOR_TOKEN", ""),
		configDir:     env.String("EYE_CONFIG", ""),
	}
	db := mongo.Config{
		URI: env.Required("EYE_MONGO_URI"), Database: env.String("EYE_MONGO_DATABASE", mongo.DefaultDatabase),
		TimeWindows: env.Bool("EYE_MONGO_TIME_WINDOWS", false),
	}
	for server := range strings.SplitSeq(s.natsURL, ",") {
		if _, err := url.Parse(strings.TrimSpace(server)); err != nil {
			env.Fault("EYE_NATS_URL", "is no URL such as nats://127.0.0.1:4222") // without the password in it
		}
	}
	for name, address := range map[string]string{"EYE_LISTEN": s.listen, "EYE_ADMIN_LISTEN": s.adminListen} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			env.Fault(name, fmt.Sprintf("%q is no host:port", address))
		}
	}
	if n := len(s.operatorToken); n > 0 && n < minOperatorToken {
		env.Fault("EYE_OPERATOR_TOKEN", fmt.Sprintf("needs at least %d characters", minOperatorToken))
	}
	if info, err := os.Stat(s.configDir); s.configDir != "" && (err != nil || !info.IsDir()) {
		env.Fault("EYE_CONFIG", fmt.Sprintf("%q is no folder", s.configDir))
	}
	var err error
	if db.URI != "" {
		if s.store, err = mongo.Open(ctx, db); err != nil {
			env.Fault("EYE_MONGO_URI", err.Error())
		}
	}
	if err := env.Err(); err != nil {
		return settings{}, errors.Join(err, closeStore(ctx, s.store))
	}
	return s, nil
}

// operatorOf is the operator token that lives in this process alone.
func operatorOf(secret string) registry.Credentials {
	if secret == "" {
		return registry.Credentials{}
	}
	return registry.Credentials{Tokens: []registry.StaticToken{{
		Secret: secret, Token: registry.Token{ID: "EYE_OPERATOR_TOKEN", Role: registry.Operator},
	}}}
}

// closeStore closes a store that may not have been opened, also after ctx.
func closeStore(ctx context.Context, s *mongo.Store) error {
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
	defer cancel()
	return s.Close(ctx)
}
