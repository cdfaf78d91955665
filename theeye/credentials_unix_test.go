//go:build !windows

package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/daemon"
)

var (
	digits = regexp.MustCompile(`revision \d+`)
	secret = regexp.MustCompile(`eye_[A-Z0-9]{20,}`)
	keyID  = regexp.MustCompile(`\b[0-9a-f]{12}\b`)
)

// shown runs a command that makes a secret: it is all that standard output
// has, and standard error does not have it.
func shown(t *testing.T, args ...string) (made, remarks string) {
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

// sends posts an event with a write key until it is answered as wanted.
func sends(t *testing.T, address, key string, want int, code string) {
	t.Helper()
	answers(t, http.MethodPost, address+"/v1/events", key, want, code)
}

func answers(t *testing.T, method, address, bearer string, want int, code string) {
	t.Helper()
	await(t, func() error {
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

// A key writes from when it was made until it ends, everywhere and without a
// restart.
func TestWriteKeys(t *testing.T) {
	address := installed(t)
	first, _ := shown(t, "app", "create", "shop", "--events-per-second", "1000", "--note", "a new site")
	sends(t, address, first, http.StatusAccepted, "")

	second, remarks := shown(t, "app", "rotate", "shop", "--overlap", "1h")
	if !regexp.MustCompile(`the old write key [0-9a-f]{12} works until 20\d\d-`).MatchString(remarks) {
		t.Errorf("rotate says %s", remarks)
	}
	sends(t, address, second, http.StatusAccepted, "")
	sends(t, address, first, http.StatusAccepted, "")

	third, _ := shown(t, "app", "rotate", "shop", "--overlap", "0s")
	sends(t, address, second, http.StatusForbidden, "key_expired")
	sends(t, address, third, http.StatusAccepted, "")

	var list struct{ Applications []application }
	if err := json.Unmarshal([]byte(works(t, "app", "list", "--json")), &list, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	keys := list.Applications[0].Keys
	if len(keys) != 3 || keys[2].EventsPerSecond != 1000 {
		t.Fatalf("%+v", keys)
	}
	works(t, "app", "disable", "shop", "--key", keys[2].ID)
	sends(t, address, third, http.StatusForbidden, "key_disabled")
	sends(t, address, first, http.StatusAccepted, "")
	if out := works(t, "app", "disable", "shop"); len(keyID.FindAllString(out, -1)) != 2 {
		t.Errorf("disables %s", out)
	}
	sends(t, address, first, http.StatusForbidden, "key_disabled")
	if out := works(t, "app", "list"); strings.Count(out, "disabled") != 3 || secret.MatchString(out) {
		t.Errorf("lists\n%s", out)
	}
}

// Which key is meant must be clear.
func TestKeysThatAreNot(t *testing.T) {
	installed(t)
	shown(t, "app", "create", "web", "--kind", "browser", "--origin", "https://a.example", "--origin", "https://b.example")
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
	works(t, "app", "disable", "web")
	if out := works(t, "app", "disable", "web"); !strings.Contains(out, "no write key was disabled") {
		t.Errorf("again: %s", out)
	}
	if code, _, errs := call(t, "app", "rotate", "web"); code != daemon.ExitUsage || !strings.Contains(errs, "--key") {
		t.Errorf("%d %s", code, errs)
	}
}

// A token opens what its role says, from when it was made until it is revoked.
func TestTokens(t *testing.T) {
	address := installed(t)
	analyst, _ := shown(t, "token", "create", "jo", "--role", "analyst", "--application", "demo")
	operator, _ := shown(t, "token", "create", "sam", "--role", "operator", "--note", "on duty")
	answers(t, http.MethodGet, address+"/v1/events?application=demo", analyst, http.StatusOK, "")
	answers(t, http.MethodGet, address+"/v1/tokens", analyst, http.StatusForbidden, "forbidden")
	answers(t, http.MethodGet, address+"/v1/tokens", operator, http.StatusOK, "")
	works(t, "app", "create", "shop", "--token", operator)
	if out := works(t, "app", "list"); !strings.Contains(out, "sam") {
		t.Errorf("who created it is lost:\n%s", out)
	}
	if out := works(t, "token", "list"); !strings.Contains(out, "jo   analyst   demo") || secret.MatchString(out) {
		t.Errorf("lists\n%s", out)
	}
	for _, c := range [][]string{
		{"1", "token", "create", "jo", "--role", "analyst"},
		{"2", "token", "create", "x", "--role", "admin"},
		{"2", "token", "create", "x"},
		{"2", "token", "create", "Not An Id", "--role", "analyst"},
		{"2", "token", "list", "--token", "wrong"},
		{"2", "token", "list", "--token", analyst},
		{"1", "token", "revoke", "nobody"},
	} {
		if code, out, errs := call(t, c[1:]...); fmt.Sprint(code) != c[0] || out != "" || strings.Contains(errs, analyst) {
			t.Errorf("%q: %d %q %q", c, code, out, errs)
		}
	}
	works(t, "token", "revoke", "jo")
	answers(t, http.MethodGet, address+"/v1/events?application=demo", analyst, http.StatusUnauthorized, "")
}

// For machines the secret is a member.
func TestSecretsAsJSON(t *testing.T) {
	installed(t)
	for _, args := range [][]string{
		{"app", "create", "shop"}, {"app", "rotate", "shop"}, {"token", "create", "jo", "--role", "analyst"},
	} {
		var made struct {
			Key    writeKey `json:"key"`
			Secret string   `json:"secret"`
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
