package cmd

import (
	"strings"
	"testing"
	"time"
)

func TestBannerWithoutDevNamesNoCredentials(t *testing.T) {
	b := &banner{URL: "http://127.0.0.1:8080", Admin: "http://127.0.0.1:8090", Data: "/srv/data", Store: "MongoDB", NewToken: "eye_secret"}
	text := b.text()
	for _, want := range []string{"http://127.0.0.1:8080", "http://127.0.0.1:8090", "/srv/data (events in MongoDB)", "eye_secret", "this once"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "curl") || strings.Contains(text, "dev-") {
		t.Errorf("mentions development:\n%s", text)
	}
}

func TestBannerCommandsAreComplete(t *testing.T) {
	b := &banner{
		URL: "http://127.0.0.1:8080", Dev: &devCredentials{WriteKey: "key", AnalystToken: "token"},
		session: "e2085be5-9137-4e4e-80b5-f1ffddc25423", now: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
	}
	want := `curl -sS http://127.0.0.1:8080/v1/events -H 'Authorization: Bearer key' -d '{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", ` +
		`"category": "page interaction", "name": "pageview", "data": {"host": "www.example.com", "path": "/"}, "timestamp": "2026-01-02T03:04:05.000006Z"}'`
	if got := b.sendCommand(); got != want {
		t.Errorf("send:\n%s\nwant\n%s", got, want)
	}
	want = `curl -sS 'http://127.0.0.1:8080/v1/events?session_id=e2085be5-9137-4e4e-80b5-f1ffddc25423' -H 'Authorization: Bearer token'`
	if got := b.queryCommand(); got != want {
		t.Errorf("query:\n%s\nwant\n%s", got, want)
	}
}

// The link of --dev signs in by its fragment; no other link has a token.
func TestBannerLinksTheUI(t *testing.T) {
	b := &banner{URL: "http://127.0.0.1:8080", NewToken: "eye_secret"}
	if got := b.uiLink(); got != "http://127.0.0.1:8080/ui/" {
		t.Errorf("the link is %s", got)
	}
	b.Dev = &devCredentials{OperatorToken: "dev-operator"}
	if got := b.uiLink(); got != "http://127.0.0.1:8080/ui/#token=dev-operator" {
		t.Errorf("with --dev the link is %s", got)
	}
}
