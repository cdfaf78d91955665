package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/theeye/theeye/shared/httpserver"
)

// Check is a named condition of readiness; Err is nil when it holds.
type Check struct {
	Name string
	Err  error
}

// AdminConfig configures the admin listener.
type AdminConfig struct {
	// Listen is host:port. Metrics and profiles are not for the public.
	Listen string
	// Hosts are names and addresses by which it is reached: see
	// httpserver.NewHosts.
	Hosts   []string
	Metrics prometheus.Gatherer
	// Ready returns the conditions of readiness; nil stands for none.
	Ready  func() []Check
	Logger *slog.Logger
}

// AdminServer serves /healthz, /readyz, /metrics and /debug/pprof.
type AdminServer struct {
	listener net.Listener
	server   *http.Server
}

// Admin binds the address. Run serves.
func Admin(cfg AdminConfig) (*AdminServer, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin listener: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	srv := httpserver.NewHTTPServer(httpserver.NewHosts(cfg.Listen, cfg.Hosts).Guard(adminHandler(cfg)), httpserver.Pace{}, cfg.Logger)
	srv.WriteTimeout = 0 // the client sets the duration of a profile
	return &AdminServer{listener: l, server: srv}, nil
}

// Addr is the address that was bound.
func (a *AdminServer) Addr() net.Addr { return a.listener.Addr() }

// Run serves until ctx ends.
func (a *AdminServer) Run(ctx context.Context) error {
	return httpserver.Serve(ctx, a.listener, a.server)
}

// Close frees the address of a listener that Run never served.
func (a *AdminServer) Close() error { return a.listener.Close() }

func adminHandler(cfg AdminConfig) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", Health())
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		var checks []Check
		if cfg.Ready != nil {
			checks = cfg.Ready()
		}
		writeChecks(w, checks)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelError), MaxRequestsInFlight: 4,
	}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// Health answers 200 while the process is alive, whether it is ready or not.
func Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
	})
}

// writeChecks answers 200, or 503 when a condition does not hold.
func writeChecks(w http.ResponseWriter, checks []Check) {
	type check struct {
		Name  string `json:"name"`
		OK    bool   `json:"ok"`
		Error string `json:"error,omitempty"`
	}
	answer := struct {
		Ready  bool    `json:"ready"`
		Checks []check `json:"checks"`
	}{Ready: true, Checks: []check{}}
	for _, c := range checks {
		one := check{Name: c.Name, OK: c.Err == nil}
		if c.Err != nil {
			one.Error, answer.Ready = c.Err.Error(), false
		}
		answer.Checks = append(answer.Checks, one)
	}
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that left needs no answer
}

// CheckHealth asks an admin listener whether the process is alive. A listener on
// every interface is asked on loopback. The answer takes three seconds at most.
func CheckHealth(ctx context.Context, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("EYE_ADMIN_LISTEN: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New("/healthz answers " + resp.Status)
	}
	return nil
}
