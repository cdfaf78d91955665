package standalone_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/test/harness"
)

// leastCells is how many cells the matrix has at least: rows get lost more
// easily than noticed.
const leastCells = 200

// The credentials, in the order of the columns of testdata/access.txt.
var columns = []string{"none", "wrong", "revoked", "other key", "key", "analyst", "other analyst", "operator"}

// Words that stand in the events of one application alone.
const (
	shopWord = "only-shop-knows"
	blogWord = "only-blog-knows"
)

const (
	bothSession = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
	shopSession = "e2085be5-9137-4e4e-80b5-000000000001"
)

// bodies of the requests, by their names.
var bodies = map[string]string{
	"-":        "",
	"event":    `{"category": "page interaction", "name": "pageview"}`,
	"schema":   `{"type": "object"}`,
	"broken":   `{"type": 1}`,
	"policy":   `{"future_skew": "5m"}`,
	"newapp":   `{"name": "made", "kind": "server"}`,
	"declared": `{"keys": []}`,
	"newkey":   `{"kind": "server"}`,
	"newtoken": `{"id": "made", "role": "analyst"}`,
	"dryrun":   `{"dry_run": true, "application": "shop"}`,
	"replay":   `{"to_seq": 1}`,
	"audit":    `{"to_seq": 1}`,
	"empty":    `{}`,
	"badjob":   `{"to_seq": 0}`,
	"nojson":   `to_seq=1`,
}

// matrix is a process with two applications, and its secrets.
type matrix struct {
	*app
	// secrets are by column; fill replaces the names in paths.
	secrets map[string]string
	fill    *strings.Replacer
}

func TestAccessMatrix(t *testing.T) {
	m := newMatrix(t)
	text, err := os.ReadFile("testdata/access.txt")
	if err != nil {
		t.Fatal(err)
	}
	cells := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3+len(columns) {
			t.Fatalf("a row has %d columns: %s", len(fields), line)
		}
		for i, column := range columns {
			want, err := strconv.Atoi(fields[3+i])
			if err != nil {
				t.Fatal(err)
			}
			m.cell(fields[0], fields[1], bodies[fields[2]], column, want)
			cells++
		}
	}
	if cells < leastCells {
		t.Errorf("the matrix has %d cells", cells)
	}
	t.Logf("%d cells", cells)
}

// cell makes one request and looks at status and words of its answer.
func (m *matrix) cell(method, path, body, column string, want int) {
	m.t.Helper()
	code, header, answer := m.ask(method, m.fill.Replace(path), m.secrets[column], body)
	where := fmt.Sprintf("%s %s by %s", method, path, column)
	if code != want {
		m.t.Errorf("%s answers %d, want %d: %.200s", where, code, want, answer)
	}
	whole := answer + fmt.Sprint(header)
	for word, readers := range map[string][]string{
		shopWord: {"analyst", "operator"}, blogWord: {"other analyst", "operator"},
	} {
		if strings.Contains(whole, word) && !slices.Contains(readers, column) {
			m.t.Errorf("%s shows %q: %.300s", where, word, whole)
		}
	}
	for of, secret := range m.secrets {
		sum := sha256.Sum256([]byte(secret))
		if secret != "" && (strings.Contains(whole, secret) || strings.Contains(whole, hex.EncodeToString(sum[:]))) {
			m.t.Errorf("%s shows the secret of %s: %.300s", where, of, whole)
		}
	}
}

// ask makes a request whose answer must be as the API's document says.
func (m *matrix) ask(method, path, secret, body string) (int, http.Header, string) {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), method, "http://"+m.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusMultipleChoices && method != http.MethodHead {
		// The document has one spelling of each path.
		documented := httpserver.CleanPath(req, func(string) bool { return false })
		if err := apicheck.Check(documented, resp); err != nil {
			m.t.Error(err)
		}
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{
		app:     start(t, config(t, t.TempDir())),
		secrets: map[string]string{"wrong": "a-secret-that-nobody-has"},
	}
	m.fill = strings.NewReplacer()
	m.secrets["key"] = m.made("/v1/applications", `{"name": "shop", "kind": "server"}`)
	m.secrets["other key"] = m.made("/v1/applications", `{"name": "blog", "kind": "server"}`)
	m.secrets["analyst"] = m.made("/v1/tokens", `{"id": "analyst", "role": "analyst", "applications": ["shop"]}`)
	m.secrets["other analyst"] = m.made("/v1/tokens", `{"id": "other", "role": "analyst", "applications": ["blog"]}`)
	m.secrets["operator"] = m.made("/v1/tokens", `{"id": "operator", "role": "operator"}`)
	m.secrets["revoked"] = m.made("/v1/tokens", `{"id": "gone", "role": "operator"}`)
	m.poll(func() error { return m.expect(http.MethodGet, "/v1/schemas", "revoked", http.StatusOK) })
	if err := m.expect(http.MethodDelete, "/v1/tokens/gone", "operator", http.StatusOK); err != nil {
		t.Fatal(err)
	}
	m.poll(func() error { return m.expect(http.MethodGet, "/v1/schemas", "revoked", http.StatusUnauthorized) })
	m.events()
	first := m.cursor("operator", "/v1/events?limit=1")
	dryRun, audit := m.job("/v1/replays", bodies["dryrun"]), m.job("/v1/audits", bodies["audit"])
	m.fill = strings.NewReplacer(
		"{session}", bothSession, "{shop-session}", shopSession, "{operator}", m.secrets["operator"],
		"{dry-run}", dryRun, "{audit}", audit, "{cursor}", first, "{shop-cursor}", m.cursor("analyst", "/v1/events?limit=1"),
	)
	return m
}

// made makes an application or token and returns its secret.
func (m *matrix) made(path, body string) string {
	m.t.Helper()
	code, answer := m.call(http.MethodPost, path, registry.DevOperatorToken, body)
	secret, ok := answer["secret"].(string)
	if key, has := answer["key"].(map[string]any); has {
		secret, ok = key["secret"].(string)
	}
	if code != http.StatusCreated || !ok {
		m.t.Fatalf("POST %s answers %d %v", path, code, slices.Sorted(maps.Keys(answer)))
	}
	return secret
}

// job starts a job and returns its id.
func (m *matrix) job(path, body string) string {
	m.t.Helper()
	code, answer := m.call(http.MethodPost, path, registry.DevOperatorToken, body)
	id, ok := answer["id"].(string)
	if code != http.StatusAccepted || !ok {
		m.t.Fatalf("POST %s answers %d %v", path, code, answer)
	}
	return id
}

func (m *matrix) expect(method, path, column string, want int) error {
	code, _, answer := m.ask(method, path, m.secrets[column], "")
	if code != want {
		return fmt.Errorf("%s %s by %s answers %d %s", method, path, column, code, answer)
	}
	return nil
}

func (m *matrix) poll(f func() error) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, f); err != nil {
		m.t.Fatal(err)
	}
}

// events are two stored and one rejected event of each application, and one
// session and one id that are in both.
func (m *matrix) events() {
	m.t.Helper()
	for _, e := range []struct{ column, application, id, session, data string }{
		{"key", "shop", "shop-stored", bothSession, `{"host": "` + shopWord + `", "path": "/"}`},
		{"key", "shop", "both", shopSession, `{"host": "` + shopWord + `", "path": "/"}`},
		{"key", "shop", "shop-rejected", bothSession, `{"host": "` + shopWord + `"}`},
		{"other key", "blog", "blog-stored", bothSession, `{"host": "` + blogWord + `", "path": "/"}`},
		{"other key", "blog", "both", bothSession, `{"host": "` + blogWord + `", "path": "/"}`},
		{"other key", "blog", "blog-rejected", bothSession, `{"host": "` + blogWord + `"}`},
	} {
		body := fmt.Sprintf(`{"event_id": %q, "session_id": %q, "category": "page interaction", "name": "pageview", "data": %s,
			"timestamp": "2021-01-01 09:15:27"}`, e.id, e.session, e.data)
		m.poll(func() error { // the collector hears of a new key a moment later
			if code, answer := m.call(http.MethodPost, "/v1/events", m.secrets[e.column], body); code != http.StatusAccepted {
				return fmt.Errorf("sending %s answers %d %v", e.id, code, answer)
			}
			return nil
		})
		path := "/v1/events/" + e.id + "?application=" + e.application
		m.poll(func() error {
			code, answer := m.call(http.MethodGet, path, registry.DevOperatorToken, "")
			if code != http.StatusOK || answer["status"] == "pending" {
				return fmt.Errorf("%s answers %d %v", path, code, answer)
			}
			return nil
		})
	}
}

func (m *matrix) cursor(column, path string) string {
	m.t.Helper()
	code, answer := m.call(http.MethodGet, path, m.secrets[column], "")
	cursor, ok := answer["next_cursor"].(string)
	if code != http.StatusOK || !ok {
		m.t.Fatalf("%s answers %d %v", path, code, answer)
	}
	return url.QueryEscape(cursor)
}
