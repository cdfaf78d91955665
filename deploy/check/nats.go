package check

import (
	"fmt"
	"net"

	"github.com/nats-io/nats-server/v2/server"
)

// minPayload carries an event of 1 MiB with its headers, in bytes.
const minPayload = 2 << 20

// streamBytes is the default limit of the stream, in bytes.
const streamBytes = 10 << 30

// NATSFaults returns what would make NATS lose accepted events, or stop taking
// them, when started with the configuration file at path.
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
	return faults, nil
}
