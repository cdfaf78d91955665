package standalone_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/registry"
)

// A page whose name resolves to this machine reads neither queries nor the admin
// listener; sites send to any name, and a name that is allowed is answered.
func TestListenersAnswerTheirHostsAlone(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.Hosts = []string{"eye.example.com"}
	p := start(t, cfg)
	public, admin := "http://"+p.Addr().String(), "http://"+p.AdminAddr().String()
	for _, c := range []struct {
		method, target, credential, body string
		guarded                          bool
		want                             int
	}{
		{"GET", public + "/v1/events", registry.DevAnalystToken, "", true, 200},
		{"GET", public + "/v1/status", registry.DevOperatorToken, "", true, 200},
		{"GET", public + "/openapi.json", "", "", true, 200},
		{"PUT", public + "/v1/policy", registry.DevOperatorToken, "{", true, 422},
		{"GET", admin + "/metrics", "", "", true, 200},
		{"GET", admin + "/debug/pprof/cmdline", "", "", true, 200},
		{"GET", admin + "/healthz", "", "", true, 200},
		{"GET", admin + "/readyz", "", "", true, 200},
		{"POST", public + "/v1/events", registry.DevWriteKey, event("host"), false, 202},
		{"POST", public + "/v1/validate", registry.DevWriteKey, event("host"), false, 200},
		{"GET", public + "/healthz", "", "", false, 200},
	} {
		for _, host := range []string{"", "localhost", "eye.example.com:443", "rebound.example", "127.0.0.1.rebound.example:8080", "192.0.2.1"} {
			req, err := http.NewRequestWithContext(t.Context(), c.method, c.target, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if host != "" {
				req.Host = host
			}
			if c.credential != "" {
				req.Header.Set("Authorization", "Bearer "+c.credential)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			want := c.want
			if known := host == "" || host == "localhost" || strings.HasPrefix(host, "eye."); c.guarded && !known {
				want = http.StatusMisdirectedRequest
			}
			if resp.StatusCode != want {
				t.Errorf("%s %s of host %q: %d, want %d", c.method, c.target, host, resp.StatusCode, want)
			}
		}
	}
}
