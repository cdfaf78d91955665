package collector

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
)

func basicAuth(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"))
}

func TestChecksKeys(t *testing.T) {
	w := newFixture(t)
	for name, c := range map[string]struct {
		query   string
		headers []string
		status  int
		code    string
	}{
		"X-Write-Key":              {"", []string{"X-Write-Key", serverKey}, 202, ""},
		"Bearer":                   {"", []string{"X-Write-Key", "-", "Authorization", "Bearer " + serverKey}, 202, ""},
		"bearer":                   {"", []string{"X-Write-Key", "-", "Authorization", "bearer  " + serverKey}, 202, ""},
		"Basic":                    {"", []string{"X-Write-Key", "-", "Authorization", basicAuth(serverKey)}, 202, ""},
		"query":                    {"?write_key=" + serverKey, []string{"X-Write-Key", "-"}, 202, ""},
		"the same twice":           {"?write_key=" + serverKey, []string{"Authorization", basicAuth(serverKey)}, 202, ""},
		"another scheme beside":    {"", []string{"Authorization", "Digest x"}, 202, ""},
		"an empty one beside":      {"?write_key=", []string{"Authorization", "Bearer "}, 202, ""},
		"none":                     {"", []string{"X-Write-Key", "-"}, 401, api.CodeUnauthorized},
		"empty":                    {"?write_key=", []string{"X-Write-Key", ""}, 401, api.CodeUnauthorized},
		"unknown":                  {"", []string{"X-Write-Key", "revoked-long-ago"}, 401, api.CodeUnauthorized},
		"query token":              {"", []string{"X-Write-Key", "-", "Authorization", "Bearer " + token}, 401, api.CodeUnauthorized},
		"broken Basic":             {"", []string{"X-Write-Key", "-", "Authorization", "Basic ???"}, 401, api.CodeUnauthorized},
		"password of Basic":        {"", []string{"X-Write-Key", "-", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+serverKey))}, 401, api.CodeUnauthorized},
		"long":                     {"", []string{"X-Write-Key", strings.Repeat("k", 9000)}, 401, api.CodeUnauthorized},
		"two different":            {"?write_key=" + otherKey, nil, 400, api.CodeSeveralKeys},
		"two different in a query": {"?write_key=" + otherKey + "&write_key=" + serverKey, []string{"X-Write-Key", "-"}, 400, api.CodeSeveralKeys},
		"key and token":            {"", []string{"Authorization", "Bearer " + token}, 400, api.CodeSeveralKeys},
		"disabled":                 {"", []string{"X-Write-Key", disabledKey}, 403, api.CodeKeyDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.messageCount()
			for _, path := range []string{api.PathEvents, api.PathValidate} {
				r := w.send(path+c.query, click("k"), c.headers...)
				if c.status == http.StatusAccepted {
					if r.status/100 != 2 {
						t.Errorf("%s answers %d %s", path, r.status, r.text)
					}
					continue
				}
				r.wantProblem(t, c.status, c.code)
				if (r.header.Get("WWW-Authenticate") != "") != (c.status == http.StatusUnauthorized) {
					t.Errorf("WWW-Authenticate %q", r.header.Get("WWW-Authenticate"))
				}
			}
			want := uint64(0)
			if c.status == http.StatusAccepted {
				want = 1
			}
			if got := w.messageCount() - before; got != want {
				t.Errorf("%d events are kept, want %d", got, want)
			}
		})
	}
}

// A key in a second header line counts too.
func TestRefusesTwoKeyHeaders(t *testing.T) {
	w := newFixture(t)
	req, err := http.NewRequest(http.MethodPost, w.base+api.PathEvents, strings.NewReader("{}"))
	w.noError(err)
	req.Header["X-Write-Key"] = []string{serverKey, otherKey}
	r, err := w.doRequest(req)
	w.noError(err)
	r.wantProblem(t, http.StatusBadRequest, api.CodeSeveralKeys)
}
