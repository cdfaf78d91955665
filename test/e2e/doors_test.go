package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const codeUnauthorized = "unauthorized"

// testDoors checks who may write and who may read. Refused requests leave nothing
// behind.
func testDoors(t *testing.T, w *fixture) {
	c := w.caller(t)
	away := map[string]string{}
	for name, door := range map[string]struct {
		edits  []edit
		status int
		code   string
	}{
		"no key":                  {[]edit{withoutBearer}, 401, codeUnauthorized},
		"empty key":               {[]edit{bearer("")}, 401, codeUnauthorized},
		"unknown key":             {[]edit{bearer("nobody-knows-me")}, 401, codeUnauthorized},
		"the hash of a key":       {[]edit{bearer(digest(siteServerKey))}, 401, codeUnauthorized},
		"a token":                 {[]edit{bearer(w.Token)}, 401, "token_not_write_key"},
		"disabled key":            {[]edit{bearer(siteOffKey)}, 403, "key_disabled"},
		"two keys":                {[]edit{header("X-Write-Key", otherKey)}, 400, "several_keys"},
		"two keys, one a query":   {[]edit{func(r *http.Request) { r.URL.RawQuery = "write_key=" + otherKey }}, 400, "several_keys"},
		"origin not listed":       {origin("https://www.example.org"), 403, "origin_not_allowed"},
		"origin null":             {origin("null"), 403, "origin_not_allowed"},
		"longer domain":           {origin(siteOrigin + ".evil.example"), 403, "origin_not_allowed"},
		"domain with a prefix":    {origin("https://evil-www.example.com"), 403, "origin_not_allowed"},
		"another scheme":          {origin("http://www.example.com"), 403, "origin_not_allowed"},
		"another port":            {origin(siteOrigin + ":8443"), 403, "origin_not_allowed"},
		"origin in upper case":    {origin("https://WWW.example.com"), 403, "origin_not_allowed"},
		"server key, with Origin": {[]edit{header("Origin", siteOrigin)}, 403, "server_key_in_page"},
	} {
		id := newID()
		away[name] = id
		for _, path := range []string{"/v1/events", "/v1/validate"} {
			r := c.post(path, []byte(native(id)), door.edits...)
			if r.status != door.status || r.code() != door.code || grantsOrigin(r) != (door.code == "server_key_in_page") {
				t.Errorf("%s: %s answers %s %v", name, path, r, r.header)
			}
		}
	}
	allowed := c.post("/v1/events", []byte(native(newID())), origin(siteOrigin)...)
	if allowed.status != 202 || allowed.header.Get("Access-Control-Allow-Origin") != siteOrigin {
		t.Errorf("the listed origin: %s %v", allowed, allowed.header)
	}
	for name, id := range away {
		if r, err := c.ask("/v1/events/"+id, nil); err != nil || r.status != http.StatusNotFound {
			t.Errorf("%s: something was kept: %s, %v", name, r, err)
		}
	}
	testReaders(t, c)
	testPreflight(t, c)
	testPacked(t, w)
}

// origin is a page's request with the browser key.
func origin(o string) []edit { return []edit{bearer(siteBrowserKey), header("Origin", o)} }

// grantsOrigin says whether a page may read the answer.
func grantsOrigin(r reply) bool { return r.header.Get("Access-Control-Allow-Origin") != "" }

func testReaders(t *testing.T, c *caller) {
	t.Helper()
	for name, e := range map[string]edit{
		"no token": withoutBearer, "unknown token": bearer("x"), "write key": bearer(siteServerKey),
		"Basic":            func(r *http.Request) { r.SetBasicAuth(c.w.Token, "") },
		"token in a query": func(r *http.Request) { withoutBearer(r); r.URL.RawQuery = "token=" + url.QueryEscape(c.w.Token) },
	} {
		for _, path := range []string{"/v1/events", "/v1/events/x", "/v1/rejected", "/v1/rejected/summary", "/v1/sessions/" + defaultSession} {
			r, err := c.ask(path, nil, e)
			if err != nil || r.status != http.StatusUnauthorized || r.code() != codeUnauthorized {
				t.Errorf("%s: %s answers %s, %v", name, path, r, err)
			}
		}
	}
}

func testPreflight(t *testing.T, c *caller) {
	t.Helper()
	for o, status := range map[string]int{siteOrigin: 204, "https://www.example.org": 403, "null": 403} {
		r, err := c.do(t.Context(), http.MethodOptions, c.w.Collector+"/v1/events", nil,
			header("Origin", o), header("Access-Control-Request-Method", "POST"), header("Access-Control-Request-Headers", "authorization"))
		if err != nil || r.status != status || grantsOrigin(r) != (status == 204) {
			t.Errorf("preflight of %s: %s %v, %v", o, r, r.header, err)
		}
		if status == 204 && !strings.Contains(strings.ToLower(r.header.Get("Access-Control-Allow-Headers")), "authorization") {
			t.Errorf("preflight allows %v", r.header)
		}
	}
}

// bombOf returns gzip that unpacks to white space. Its checksum is wrong, which a
// reader that stops at the limit does not reach.
func bombOf(t *testing.T, mebibytes int) []byte {
	t.Helper()
	const head = 10
	var one bytes.Buffer
	z := gzip.NewWriter(&one)
	if _, err := z.Write(bytes.Repeat([]byte(" "), mib)); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	bomb := append([]byte{}, one.Bytes()[:head]...)
	for range mebibytes { // each block stands for itself
		bomb = append(bomb, one.Bytes()[head:]...)
	}
	bomb = append(bomb, 3, 0, 0, 0, 0, 0) // the last block, empty, and the sum
	return binary.LittleEndian.AppendUint32(bomb, uint32(mebibytes*mib))
}

// testPacked sends gzip bombs, and bodies whose encoding is not the declared one.
func testPacked(t *testing.T, w *fixture) {
	c := w.caller(t)
	good := packed(t, native(newID()))
	bomb := bombOf(t, 200)
	lying := append(bomb[:len(bomb)-4:len(bomb)-4], 1, 0, 0, 0) // claims one byte
	for name, body := range map[string]struct {
		text   []byte
		status int
	}{
		"truncated": {good[:len(good)-9], 400}, "head alone": {good[:10], 400}, "two bytes": {good[:2], 400},
		"broken": {append(append([]byte{}, good[:12]...), "garbage and more garbage"...), 400},
		"bomb":   {bomb, 413}, "bomb that lies": {lying, 413}, "gzip in gzip": {packed(t, string(good)), 415},
	} {
		for _, edits := range [][]edit{nil, {header("Content-Encoding", "gzip")}} {
			if r := c.post("/v1/events", body.text, edits...); r.status != body.status {
				t.Errorf("%s: the door answers %s", name, r)
			}
		}
	}
	for _, encoding := range []string{"gzip", "br", "deflate", "gzip, gzip", "identity"} { // the bytes decide
		if r := c.post("/v1/events", []byte(native(newID())), header("Content-Encoding", encoding)); r.status != http.StatusAccepted {
			t.Errorf("%s over plain text: the door answers %s", encoding, r)
		}
	}
	var senders sync.WaitGroup
	for range 200 {
		senders.Go(func() {
			if r, err := c.try("/v1/events", lying); err != nil || r.status != 413 && r.status != 503 {
				t.Errorf("one of many bombs: %s, %v", r, err)
			}
		})
	}
	senders.Wait()
	// Bounded memory stays far below the size of 200 unpacked bombs.
	for _, proc := range w.Processes {
		if rss, err := proc.RSS(); err == nil && rss > 1<<30 {
			t.Errorf("%s holds %d MiB", proc.Name, rss>>20)
		}
	}
	chunked := struct{ io.Reader }{strings.NewReader("[" + strings.Repeat(" ", 8*mib) + "]")}
	r, err := c.do(context.WithoutCancel(t.Context()), http.MethodPost, w.Collector+"/v1/events", chunked, bearer(siteServerKey))
	if err != nil || r.status != 413 {
		t.Errorf("over 8 MiB without Content-Length: %s, %v", r, err)
	}
}
