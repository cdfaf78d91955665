package check

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/conf"
	"github.com/nats-io/nats-server/v2/server"
)

// minPayload carries an event of 1 MiB with its headers, in bytes.
const minPayload = 2 << 20

// streamBytes is the default limit of the stream, in bytes.
const streamBytes = 10 << 30

// natsUsers are the services that connect to NATS, each with a user of its own.
var natsUsers = []string{"collector", "processor", "queryapi"}

// NATSFaults returns what would make NATS lose accepted events, stop taking
// them, or let a service do more than it must, when started with the
// configuration file at path. The passwords come from the environment.
func NATSFaults(path string) ([]string, error) {
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var faults []string
	if !options.JetStream || options.StoreDir == "" {
		faults = append(faults, "JetStream keeps no data")
	}
	if !options.SyncAlways {
		faults = append(faults, "acknowledges before the disk has it")
	}
	if options.JetStreamMaxStore <= streamBytes {
		faults = append(faults, "the stream's limit does not fit into max_file_store")
	}
	if options.JetStreamMaxMemory <= 0 {
		faults = append(faults, "memory is not bounded")
	}
	if options.MaxPayload < minPayload {
		faults = append(faults, "an event of the largest size does not fit into max_payload")
	}
	if ip := net.ParseIP(options.HTTPHost); options.HTTPPort == 0 || ip == nil || !ip.IsLoopback() {
		faults = append(faults, "monitoring is not on loopback alone")
	}
	tree, err := conf.ParseFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	faults = append(faults, userFaults(options)...)
	return append(faults, accountFaults(options, tree)...), nil
}

// userFaults wants exactly the users of the services, each with a password, a
// list of subjects that it may publish to, and no inbox but its own.
func userFaults(options *server.Options) []string {
	var faults, users []string
	if options.NoAuthUser != "" {
		faults = append(faults, "lets in clients without a user")
	}
	for _, u := range options.Users {
		users = append(users, u.Username)
		if u.Password == "" {
			faults = append(faults, u.Username+" needs no password")
		}
		if u.Permissions == nil || u.Permissions.Publish == nil || u.Permissions.Subscribe == nil {
			faults = append(faults, u.Username+" has no permissions of its own")
			continue
		}
		faults = append(faults, permissionFaults(u.Username, u.Permissions)...)
	}
	if slices.Sort(users); !slices.Equal(users, natsUsers) {
		faults = append(faults, "has not exactly the users "+strings.Join(natsUsers, ", "))
	}
	return faults
}

// allowed matches what a list may hold: events, one request of the API on one
// stream or on a kind of its keys, acknowledgements of events, and keys of one bucket.
var allowed = regexp.MustCompile(`^(events\.>|\$JS\.API\.INFO|` +
	`\$JS\.API\.[A-Z]+\.[A-Z.]+\.(EVENTS|CHANGES|KV_[A-Z]+)(\.([*>]|processor|\$KV\.[A-Z]+\.[a-z]+\.>))?|` +
	`\$JS\.ACK\.EVENTS\.>|\$JS\.SNAPSHOT\.ACK\.(EVENTS|CHANGES|KV_[A-Z]+)\.>|\$KV\.[A-Z]+\.([a-z]+\.)?>)$`)

// records matches the records of a bucket of the registry.
var records = regexp.MustCompile(`^\$KV\.(SCHEMAS|APPLICATIONS|TOKENS)\.>$`)

func permissionFaults(user string, p *server.Permissions) []string {
	var faults []string
	for i, subject := range p.Subscribe.Allow {
		if inbox := "_INBOX_" + user + ".>"; (i == 0) != (subject == inbox) || i > 0 && !records.MatchString(subject) {
			faults = append(faults, user+" does not listen to its inbox, and records of the registry, alone")
		}
	}
	for _, subject := range p.Publish.Allow {
		if !allowed.MatchString(subject) {
			faults = append(faults, user+" may publish to "+subject+", which says not what and on which stream")
		}
	}
	return faults
}

// accountInfo is the request that every account imports, because the server would
// else answer requests to JetStream itself.
const accountInfo = "$JS.API.INFO"

// accountFaults wants streams in accounts without users, and each user in an account
// of its own that imports the services that the user may publish to and nothing
// else: the server directs answers to any subject of the account that asks.
func accountFaults(options *server.Options, tree map[string]any) []string {
	var faults []string
	accounts, _ := tree["accounts"].(map[string]any)
	usersOf := map[string][]*server.User{}
	for _, u := range options.Users {
		if u.Account == nil {
			faults = append(faults, u.Username+" has no account of its own")
			continue
		}
		usersOf[u.Account.Name] = append(usersOf[u.Account.Name], u)
	}
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		account, _ := accounts[name].(map[string]any)
		users := usersOf[name]
		switch _, keepsStreams := account["jetstream"]; {
		case keepsStreams && len(users) > 0:
			faults = append(faults, "account "+name+" has streams and users")
		case !keepsStreams && len(users) != 1:
			faults = append(faults, "account "+name+" has not exactly one user")
		case !keepsStreams && users[0].Permissions != nil && users[0].Permissions.Publish != nil && users[0].Permissions.Subscribe != nil:
			faults = append(faults, importFaults(users[0], account)...)
		}
	}
	return faults
}

// importFaults compares what an account imports with what its user may publish to.
func importFaults(u *server.User, account map[string]any) []string {
	var faults []string
	list, _ := account["imports"].([]any)
	imported := map[string]bool{}
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		delivered, _ := e["stream"].(map[string]any)
		if subject, ok := delivered["subject"].(string); ok && slices.Contains(u.Permissions.Subscribe.Allow, subject) && len(e) == 1 {
			continue // parts of snapshots, and new records of the registry
		}
		service, ok := e["service"].(map[string]any)
		subject, _ := service["subject"].(string)
		if !ok || len(e) != 1 {
			faults = append(faults, fmt.Sprintf("%s imports %v, which is no plain service", u.Username, entry))
			continue
		}
		imported[subject] = true
		if subject != accountInfo && !slices.Contains(u.Permissions.Publish.Allow, subject) {
			faults = append(faults, u.Username+" imports "+subject+" and may not publish to it")
		}
	}
	for _, subject := range append([]string{accountInfo}, u.Permissions.Publish.Allow...) {
		if !imported[subject] {
			faults = append(faults, u.Username+" does not import "+subject)
		}
	}
	return slices.Compact(faults)
}
