//go:build !windows

package cmd

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
)

var (
	digits = regexp.MustCompile(`revision \d+`)
	secret = regexp.MustCompile(`eye_(token_)?[A-Z0-9]{20,}`)
	keyID  = regexp.MustCompile(`\b[0-9a-f]{12}\b`)
)

// createSecret runs a command that creates a secret, and returns the secret and
// the remarks. Standard output must have the secret alone, and standard error
// must not have it.
func createSecret(t *testing.T, args ...string) (made, remarks string) {
	t.Helper()
	code, out, errs := call(t, args...)
	made = strings.TrimSuffix(out, "\n")
	if code != daemon.ExitOK || secret.FindString(made) != made || made == "" {
		t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
	}
	if strings.Contains(errs, made) || !strings.Contains(errs, "shown this once") {
		t.Errorf("%q: %s", args, errs)
	}
	return made, errs
}

// awaitWrite posts an event with a write key until it has the wanted answer.
func awaitWrite(t *testing.T, address, key string, want int, code string) {
	t.Helper()
	awaitAnswer(t, http.MethodPost, address+"/v1/events", key, want, code)
}

// awaitAnswer sends a request until it has the wanted answer.
func awaitAnswer(t *testing.T, method, address, bearer string, want int, code string) {
	t.Helper()
	eventually(t, func() error {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(`{}`))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+bearer)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err == nil && (resp.StatusCode != want || !strings.Contains(string(body), code)) {
			err = fmt.Errorf("want %d %s: %d %s", want, code, resp.StatusCode, body)
		}
		return err
	})
}

// Changes of keys take effect without a restart.
func TestWriteKeyWorksUntilItIsReplacedOrDisabled(t *testing.T) {
	address := startInProcess(t)
	first, _ := createSecret(t, "app", "create", "shop", "--events-per-second", "1000", "--note", "a new site")
	awaitWrite(t, address, first, http.StatusAccepted, "")

	second, remarks := createSecret(t, "app", "rotate", "shop", "--overlap", "1h")
	if !regexp.MustCompile(`the old write key [0-9a-f]{12} works until 20\d\d-`).MatchString(remarks) {
		t.Errorf("rotate says %s", remarks)
	}
	awaitWrite(t, address, second, http.StatusAccepted, "")
	awaitWrite(t, address, first, http.StatusAccepted, "")

	third, _ := createSecret(t, "app", "rotate", "shop", "--overlap", "0s")
	awaitWrite(t, address, second, http.StatusForbidden, "key_expired")
	awaitWrite(t, address, third, http.StatusAccepted, "")

	var list struct{ Applications []api.Application }
	if err := json.Unmarshal([]byte(mustRun(t, "app", "list", "--json")), &list, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	keys := list.Applications[0].Keys
	if len(keys) != 3 || keys[2].EventsPerSecond != 1000 {
		t.Fatalf("%+v", keys)
	}
	mustRun(t, "app", "disable", "shop", "--key", keys[2].ID)
	awaitWrite(t, address, third, http.StatusForbidden, "key_disabled")
	awaitWrite(t, address, first, http.StatusAccepted, "")
	if out := mustRun(t, "app", "disable", "shop"); len(keyID.FindAllString(out, -1)) != 2 {
		t.Errorf("disables %s", out)
	}
	awaitWrite(t, address, first, http.StatusForbidden, "key_disabled")
	if out := mustRun(t, "app", "list"); strings.Count(out, "disabled") != 3 || secret.MatchString(out) {
		t.Errorf("lists\n%s", out)
	}
}

func TestKeyCommandsRefuseUnclearArguments(t *testing.T) {
	startInProcess(t)
	createSecret(t, "app", "create", "web", "--kind", "browser", "--origin", "https://a.example", "--origin", "https://b.example")
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{1, []string{"app", "create", "web"}, "application web exists"},
		{2, []string{"app", "create", "new", "--kind", "browser"}, "--origin"},
		{2, []string{"app", "create", "new", "--origin", "https://a.example"}, "--origin"},
		{2, []string{"app", "create", "new", "--kind", "other"}, "--kind"},
		{2, []string{"app", "create", "Not A Name"}, "422"},
		{1, []string{"app", "rotate", "none"}, "application none: 404"},
		{1, []string{"app", "rotate", "web", "--key", "0123456789ab"}, "404"},
		{2, []string{"app", "rotate", "web", "--overlap", "-1s"}, "--overlap"},
		{1, []string{"app", "disable", "none"}, "application none: 404"},
		{1, []string{"app", "disable", "web", "--key", "0123456789ab"}, "has no write key 0123456789ab"},
	} {
		code, out, errs := call(t, c.args...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d %q %q", c.args, code, out, errs)
		}
	}
	mustRun(t, "app", "disable", "web")
	if out := mustRun(t, "app", "disable", "web"); !strings.Contains(out, "no write key was disabled") {
		t.Errorf("again: %s", out)
	}
	if code, _, errs := call(t, "app", "rotate", "web"); code != daemon.ExitUsage || !strings.Contains(errs, "--key") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestTokenGrantsItsRoleUntilItIsRevoked(t *testing.T) {
	address := startInProcess(t)
	analyst, _ := createSecret(t, "token", "create", "jo", "--role", "analyst", "--application", "demo")
	operator, _ := createSecret(t, "token", "create", "sam", "--role", "operator", "--note", "on duty")
	awaitAnswer(t, http.MethodGet, address+"/v1/events?application=demo", analyst, http.StatusOK, "")
	awaitAnswer(t, http.MethodGet, address+"/v1/tokens", analyst, http.StatusForbidden, "forbidden")
	awaitAnswer(t, http.MethodGet, address+"/v1/tokens", operator, http.StatusOK, "")
	mustRun(t, "app", "create", "shop", "--token", operator)
	if out := mustRun(t, "app", "list"); !strings.Contains(out, "sam") {
		t.Errorf("the author is missing:\n%s", out)
	}
	if out := mustRun(t, "token", "list"); !strings.Contains(out, "jo   analyst   demo") || secret.MatchString(out) {
		t.Errorf("lists\n%s", out)
	}
	for _, c := range [][]string{
		{"1", "token", "create", "jo", "--role", "analyst"},
		{"2", "token", "create", "x", "--role", "admin"},
		{"2", "token", "create", "x"},
		{"2", "token", "create", "Not An Id", "--role", "analyst"},
		{"2", "token", "list", "--token", "wrong"},
		{"2", "token", "list", "--token", analyst},
		{"1", "token", "revoke", "unknown"},
	} {
		if code, out, errs := call(t, c[1:]...); fmt.Sprint(code) != c[0] || out != "" || strings.Contains(errs, analyst) {
			t.Errorf("%q: %d %q %q", c, code, out, errs)
		}
	}
	mustRun(t, "token", "revoke", "jo")
	awaitAnswer(t, http.MethodGet, address+"/v1/events?application=demo", analyst, http.StatusUnauthorized, "")
}

func TestSecretIsAMemberOfTheJSONOutput(t *testing.T) {
	startInProcess(t)
	for _, args := range [][]string{
		{"app", "create", "shop"}, {"app", "rotate", "shop"}, {"token", "create", "jo", "--role", "analyst"},
	} {
		var made struct {
			Key    api.NewKey `json:"key"`
			Secret string     `json:"secret"`
		}
		code, out, errs := call(t, append(args, "--json")...)
		if err := json.Unmarshal([]byte(out), &made); err != nil || code != daemon.ExitOK {
			t.Fatalf("%q: %d %q %v", args, code, out, err)
		}
		if !secret.MatchString(made.Key.Secret+made.Secret) || secret.MatchString(errs) {
			t.Errorf("%q: %q %q", args, out, errs)
		}
	}
}
