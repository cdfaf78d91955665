package daemontest

import (
	"net"
	"testing"
)

// The address can be listened on, and no system gives its port to an outgoing connection.
func TestFreeAddr(t *testing.T) {
	for range 20 {
		l, err := net.Listen("tcp", FreeAddr())
		if err != nil {
			t.Fatal(err)
		}
		addr, ok := l.Addr().(*net.TCPAddr)
		if err := l.Close(); err != nil || !ok || !addr.IP.IsLoopback() || addr.Port < 1024 || addr.Port >= 32_768 {
			t.Errorf("%v, %v", l.Addr(), err)
		}
	}
}
