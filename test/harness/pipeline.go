package harness

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
)

// Credentials of every Pipeline.
const (
	// WriteKey is a key of the application demo in one process with --dev.
	WriteKey = "dev-write-key"
	// splitKey is a server key of the application demo where the services run
	// apart: the keys of --dev are not accepted there.
	splitKey = "write-key-of-a-test"
	// OperatorToken reads everything.
	OperatorToken = "dev-operator"
	// operatorSecret is OperatorToken where the services run apart: there a
	// token has a least length.
	operatorSecret = registry.TokenPrefix + "of_a_test"
	// sampleTypes is how many types are declared.
	sampleTypes = 8
)

// Pipeline is a whole pipeline of real processes, in the order in which they
// are started.
type Pipeline struct {
	// Collector and Query are base addresses, Token reads everything, Key
	// writes.
	Collector, Query string
	Key, Token       string
	Processes        []*Process
	// NATS is nil in a single process.
	NATS *NATS
	// ProcessorAdmins are the base addresses of the admin listeners of the
	// processors.
	ProcessorAdmins []string

	database struct {
		uri, name   string // removed by DropDatabase
		timeWindows bool   // the server needs mongo.Config.TimeWindows
	}
}

// Single is `theeye up --dev` over the data folder dir/data.
func Single(b Binaries, dir string) (*Pipeline, error) {
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	up := &Process{
		Name: "theeye", Path: b.TheEye, Dir: dir,
		Args:     []string{"up", "--dev", "--listen", listen, "--data", filepath.Join(dir, "data")},
		Env:      []string{"EYE_ADMIN_LISTEN=" + admin},
		ReadyURL: "http://" + admin + "/readyz",
	}
	return &Pipeline{
		Collector: "http://" + listen, Query: "http://" + listen,
		Key: WriteKey, Token: OperatorToken,
		Processes: []*Process{up}, ProcessorAdmins: []string{"http://" + admin},
	}, nil
}

// Split is a nats-server, a collector, two processors and a query API over the
// MongoDB at EYE_TEST_MONGO_URI, with the shipped users and permissions of NATS:
// Alarms names what one of them did not allow. The database is new; Drop removes
// it.
func Split(b Binaries, dir string) (*Pipeline, error) {
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		return nil, errors.New("set EYE_TEST_MONGO_URI or run make test")
	}
	config := filepath.Join(dir, "config")
	if err := writeConfig(config); err != nil {
		return nil, err
	}
	nats, err := NewNATS(b, dir)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{Key: splitKey, Token: operatorSecret, NATS: nats, Processes: []*Process{nats.Process}}
	p.database.uri, p.database.name = uri, "rig_"+rand.Text()
	if p.database.timeWindows, err = mongotest.NeedsTimeWindows(uri); err != nil {
		return nil, fmt.Errorf("ask the MongoDB server for its build: %w", err)
	}
	for _, s := range []struct{ name, user, path string }{
		{"processor 1", "processor", b.Processor},
		{"processor 2", "processor", b.Processor},
		{"query API", "queryapi", b.QueryAPI},
		{"collector", "collector", b.Collector},
	} {
		p.addService(s.name, s.path, config, nats.URLOf(s.user))
	}
	return p, nil
}

// addService adds one of the three services with the settings it reads.
func (p *Pipeline) addService(name, path, config, natsURL string) {
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	own := []string{"EYE_NATS_URL=" + natsURL, "EYE_ADMIN_LISTEN=" + admin}
	mongo := []string{"EYE_MONGO_URI=" + p.database.uri, "EYE_MONGO_DATABASE=" + p.database.name}
	switch name {
	case "collector":
		p.Collector = "http://" + listen
		own = append(own, "EYE_LISTEN="+listen)
	case "query API":
		p.Query = "http://" + listen
		own = append(append(own, mongo...), "EYE_MONGO_TIME_WINDOWS="+strconv.FormatBool(p.database.timeWindows),
			"EYE_LISTEN="+listen, "EYE_CONFIG="+config, "EYE_COLUMNS="+filepath.Join(filepath.Dir(config), "columns"),
			"EYE_OPERATOR_TOKEN="+p.Token)
	default:
		p.ProcessorAdmins = append(p.ProcessorAdmins, "http://"+admin)
		own = append(own, mongo...)
	}
	p.Processes = append(p.Processes, &Process{Name: name, Path: path, Env: own, ReadyURL: "http://" + admin + "/readyz"})
}

// writeConfig declares the sample types and the application demo.
func writeConfig(dir string) error {
	if err := os.CopyFS(dir, declare.SampleTypes()); err != nil {
		return fmt.Errorf("write declarations: %w", err)
	}
	sum := sha256.Sum256([]byte(splitKey))
	app := fmt.Sprintf(`{"keys": [{"sha256": %q, "kind": "server"}]}`, hex.EncodeToString(sum[:]))
	if err := os.MkdirAll(filepath.Join(dir, "applications"), 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "applications", "demo.json"), []byte(app), 0o600)
}

// Start starts every process and waits until each can work and validates by the
// declarations.
func (p *Pipeline) Start(ctx context.Context) error {
	for _, proc := range p.Processes {
		if err := proc.Launch(); err != nil {
			return err
		}
	}
	if err := p.AwaitReady(ctx); err != nil {
		return err
	}
	for _, admin := range p.ProcessorAdmins {
		if err := Poll(ctx, func() error { return checkDeclared(ctx, admin) }); err != nil {
			return err
		}
	}
	return Poll(ctx, func() error { return p.checkWriteKey(ctx) })
}

// checkDeclared says whether a processor knows the sample types: each is a
// revision.
func checkDeclared(ctx context.Context, admin string) error {
	revision, err := Metric(ctx, admin, "eye_processor_registry_revision")
	if err == nil && revision < sampleTypes {
		err = fmt.Errorf("a processor is at revision %.0f", revision)
	}
	return err
}

// checkWriteKey says whether the collector knows the write key, without sending an
// event.
func (p *Pipeline) checkWriteKey(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Collector+"/v1/validate", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusUnauthorized {
		return errors.New("the collector does not know the write key")
	}
	return nil
}

// AwaitReady waits until every process can work.
func (p *Pipeline) AwaitReady(ctx context.Context) error {
	for _, proc := range p.Processes {
		if err := proc.AwaitReady(ctx); err != nil {
			return fmt.Errorf("%s is not ready: %w\n%s", proc.Name, err, proc.Output())
		}
	}
	return nil
}

// Stop kills what still runs.
func (p *Pipeline) Stop() {
	for i := len(p.Processes) - 1; i >= 0; i-- {
		p.Processes[i].Stop()
	}
}

// Alarms are lines that a process printed and that none should.
func (p *Pipeline) Alarms() []string {
	var lines []string
	for _, proc := range p.Processes {
		for _, line := range proc.Alarms() {
			lines = append(lines, proc.Name+": "+line)
		}
	}
	return lines
}
