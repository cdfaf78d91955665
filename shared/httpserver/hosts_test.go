package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

// The hosts of a listener depend on who reaches it, and on its configuration.
func TestHostsOfAListener(t *testing.T) {
	loopback := []string{"127.0.0.1", "127.0.0.1:8090", "127.8.9.1:1", "localhost", "LOCALHOST:80", "localhost.", "[::1]", "[::1]:8090", "[::ffff:127.0.0.1]:1", ""}
	addresses := []string{"192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "10.0.0.1"}
	rebound := []string{
		"rebound.example", "rebound.example:8090", "127.0.0.1.nip.io", "localhost.rebound.example", "xlocalhost", "localhost@rebound.example",
		"127.0.0.1 ", "0x7f000001", "2130706433", "127.1", "eye.example.com.rebound.example", "*", "xn--mnchen-3ya.example", "a:b:c", "[::1", "[rebound.example]:80",
	}
	named := []string{"eye.example.com", "EYE.example.com:443", "eye.example.com."}
	below := []string{"a.ops.example", "a.b.ops.example:80"}
	for _, c := range []struct {
		listen                                   string
		allowed                                  []string
		addresses, named, below, apex, isRebound bool
	}{
		{listen: "127.0.0.1:8090"},
		{listen: "localhost:8090"},
		{listen: "[::1]:0"},
		{listen: "0.0.0.0:8090", addresses: true},
		{listen: ":8090", addresses: true},
		{listen: "192.0.2.1:80", addresses: true},
		{listen: "127.0.0.1:8090", allowed: []string{"eye.example.com", "*.ops.example"}, named: true, below: true},
		{listen: "0.0.0.0:8090", allowed: []string{"eye.example.com"}, addresses: true, named: true},
		{listen: "127.0.0.1:8090", allowed: []string{"*"}, addresses: true, named: true, below: true, apex: true, isRebound: true},
	} {
		h := httpserver.NewHosts(c.listen, c.allowed)
		for _, group := range []struct {
			hosts []string
			want  bool
		}{{loopback, true}, {addresses, c.addresses}, {rebound, c.isRebound}, {named, c.named}, {below, c.below}, {[]string{"ops.example"}, c.apex}} {
			for _, host := range group.hosts {
				if got := h.Allow(host); got != group.want {
					t.Errorf("a listener on %s with %q answers for host %q: %t", c.listen, c.allowed, host, got)
				}
			}
		}
	}
	if h := httpserver.NewHosts("127.0.0.1:1", []string{"2001:db8::1", "10.1.2.3"}); !h.Allow("[2001:DB8:0::1]:80") || !h.Allow("10.1.2.3") || h.Allow("10.1.2.4") {
		t.Error("an address that is allowed is not, or another one is")
	}
}

func TestCheckHost(t *testing.T) {
	for _, good := range []string{"*", "eye.example.com", "localhost", "*.example.com", "10.0.0.1", "::1", "2001:db8::1", "queryapi", "my_service", "xn--mnchen-3ya.example"} {
		if err := httpserver.CheckHost(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "https://eye.example.com", "eye.example.com:8081", "eye.example.com/", "a b", "*.", "*example.com", "a.*.b", "[::1]", "münchen.example", "a..b",
		strings.Repeat("a.", 130) + "a",
	} {
		if err := httpserver.CheckHost(bad); err == nil {
			t.Errorf("%q is a host", bad)
		}
	}
}

// A request to another host gets a code and the cure, and quotes a bounded part.
func TestGuardAnswersOtherHostsWithTheCure(t *testing.T) {
	served := 0
	guarded := httpserver.NewHosts("127.0.0.1:1", nil).Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	for host, want := range map[string]int{"localhost:1": 200, "rebound.example": 421, strings.Repeat("x", 9000): 421} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != want || want == 421 && (!strings.Contains(body, api.CodeHostNotAllowed) || !strings.Contains(body, "EYE_ALLOWED_HOSTS") || len(body) > 1000) {
			t.Errorf("host %.20s: %d %s", host, w.Code, body)
		}
	}
	if served != 1 {
		t.Errorf("%d requests were served", served)
	}
}

// Routes of one handler keep one: by that a mux sees who answers for a path.
func TestGuardRoutesKeepsHandlersTogether(t *testing.T) {
	one, other := http.NewServeMux(), http.NewServeMux()
	routes := httpserver.NewHosts("127.0.0.1:1", nil).GuardRoutes([]httpserver.Route{
		{Method: "GET", Pattern: "/a", Handler: one}, {Method: "GET", Pattern: "/b", Handler: one}, {Method: "GET", Pattern: "/c", Handler: other},
	})
	if routes[0].Handler != routes[1].Handler || routes[0].Handler == routes[2].Handler || routes[2].Pattern != "/c" {
		t.Errorf("routes %+v", routes)
	}
}
