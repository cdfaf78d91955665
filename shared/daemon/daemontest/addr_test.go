package daemontest

import (
	"net"
	"testing"
)

// The address can be listened on, no system gives its port to an outgoing connection, and
// none is returned twice.
func TestFreeAddr(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 {
		free := FreeAddr()
		if seen[free] {
			t.Fatalf("%s is returned twice", free)
		}
		seen[free] = true
		l, err := net.Listen("tcp", free)
		if err != nil {
			t.Fatal(err)
		}
		addr, ok := l.Addr().(*net.TCPAddr)
		if err := l.Close(); err != nil || !ok || !addr.IP.IsLoopback() || addr.Port < 1024 || addr.Port >= 32_768 {
			t.Errorf("%v, %v", l.Addr(), err)
		}
	}
}
