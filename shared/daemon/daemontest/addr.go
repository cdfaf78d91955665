// Package daemontest is for tests that run a process and connect to it by address.
package daemontest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Ports are below those that systems give to outgoing connections.
const (
	firstPort = 10_000
	ports     = 20_000
	attempts  = 100
)

// firstTry is where the addresses of this process begin, and tries how many it has tried.
var (
	firstTry = rand.IntN(ports) //nolint:gosec // any port will do
	tries    atomic.Int64
)

// FreeAddr returns a loopback address with a port that is free at the moment, for a
// process that listens where its settings say. It differs from those that systems give to
// outgoing connections: one could take it before the process does, and a client that
// tries again until the process listens could connect to itself. It returns no port twice:
// the first process may not listen yet. It panics where every port is in use.
func FreeAddr() string {
	var err error
	for range attempts {
		port := firstPort + (firstTry+int(tries.Add(1)))%ports
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			if err = l.Close(); err == nil {
				return addr
			}
		}
	}
	panic("no free port: " + err.Error())
}
