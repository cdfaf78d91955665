package check

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

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
	return append(faults, userFaults(options)...), nil
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
// stream, its answers to the server, and keys of one bucket.
var allowed = regexp.MustCompile(`^(events\.>|\$JS\.API\.INFO|` +
	`\$JS\.API\.[A-Z]+\.[A-Z.]+\.(EVENTS|CHANGES|KV_[A-Z]+)(\.([*>]|processor))?|` +
	`\$JS\.(ACK|FC)\.(EVENTS|KV_[A-Z]+)\.>|\$KV\.[A-Z]+\.([a-z]+\.)?>)$`)

func permissionFaults(user string, p *server.Permissions) []string {
	var faults []string
	if inbox := []string{"_INBOX_" + user + ".>"}; !slices.Equal(p.Subscribe.Allow, inbox) {
		faults = append(faults, user+" does not listen to its inbox alone")
	}
	for _, subject := range p.Publish.Allow {
		if !allowed.MatchString(subject) {
			faults = append(faults, user+" may publish to "+subject+", which says not what and on which stream")
		}
	}
	return faults
}
