package harness

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/daemon/daemontest"
)

// NATSUsers are the users of the shipped configuration: one a service.
var NATSUsers = []string{"collector", "processor", "queryapi"}

// shippedNATS is the configuration that people run, from the project's root.
const shippedNATS = "deploy/nats/nats.conf"

// NATS is a nats-server with the shipped configuration: users, permissions and
// bounds are those that people run. Only where it listens and keeps its data is
// of the test.
type NATS struct {
	*Process
	// URL has neither user nor password.
	URL string
	// Monitor is the base address of the monitoring, which needs no user.
	Monitor   string
	passwords map[string]string
}

// NewNATS prepares a nats-server with its data under dir.
func NewNATS(b Binaries, dir string) (*NATS, error) {
	return NewEditedNATS(b, dir, func(shipped string) string { return shipped })
}

// NewEditedNATS is NewNATS with a configuration that edit makes of the shipped one,
// to show that a test fails without something.
func NewEditedNATS(b Binaries, dir string, edit func(shipped string) string) (*NATS, error) {
	listen, monitor := daemontest.FreeAddr(), daemontest.FreeAddr()
	shipped, err := os.ReadFile(filepath.Join(projectRoot(), shippedNATS))
	if err != nil {
		return nil, fmt.Errorf("read the shipped configuration: %w", err)
	}
	text, err := placeNATS(edit(string(shipped)), listen, monitor, filepath.Join(dir, "nats"))
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	n := &NATS{
		Process: &Process{
			Name: "nats-server", Path: b.NATSServer, Args: []string{"-c", conf},
			ReadyURL: "http://" + monitor + "/healthz?js-enabled-only=true",
			Alarm:    "Violation",
		},
		URL: "nats://" + listen, Monitor: "http://" + monitor, passwords: map[string]string{},
	}
	for _, user := range NATSUsers {
		n.passwords[user] = rand.Text()
		n.Env = append(n.Env, fmt.Sprintf("EYE_NATS_%s_PASSWORD=%q", strings.ToUpper(user), n.passwords[user]))
	}
	return n, nil
}

// URLOf is the URL of a user with its password.
func (n *NATS) URLOf(user string) string {
	return "nats://" + url.UserPassword(user, n.passwords[user]).String() + "@" + strings.TrimPrefix(n.URL, "nats://")
}

// Connect connects as a user, with the inbox that this user may listen to.
func (n *NATS) Connect(user string, opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(n.URLOf(user), append([]nats.Option{nats.CustomInboxPrefix("_INBOX_" + user)}, opts...)...)
}

// placeNATS puts a configuration to another place; nothing else of it changes.
func placeNATS(shipped, listen, monitor, dir string) (string, error) {
	text := shipped
	for _, line := range []struct{ name, value string }{
		{"listen: ", listen}, {"http: ", monitor}, {"  store_dir: ", dir},
	} {
		before, rest, found := strings.Cut(text, "\n"+line.name)
		_, after, ended := strings.Cut(rest, "\n")
		if !found || !ended || strings.Contains(after, "\n"+line.name) {
			return "", errors.New(shippedNATS + " has not exactly one line with " + line.name)
		}
		text = before + "\n" + line.name + fmt.Sprintf("%q", line.value) + "\n" + after
	}
	return text, nil
}
