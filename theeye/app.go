package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// appCmd is everything about applications and their write keys.
type appCmd struct {
	List    appListCmd    `cmd:"" help:"List applications and their write keys."`
	Create  appCreateCmd  `cmd:"" help:"Add an application, with its first write key."`
	Rotate  appRotateCmd  `cmd:"" help:"Make a new write key that replaces one."`
	Disable appDisableCmd `cmd:"" help:"Let write keys write nothing from now on."`
}

// pathApplications is where the registry's applications are asked for.
const pathApplications = "/v1/applications"

func applicationPath(name string) string { return pathApplications + "/" + url.PathEscape(name) }

func (a application) keyPath(id string) string {
	return applicationPath(a.Name) + "/keys/" + url.PathEscape(id)
}

// application is an application as the registry tells it.
type application struct {
	Name string     `json:"name"`
	Keys []writeKey `json:"keys"`
	version
}

// keyUse is what a write key may do.
type keyUse struct {
	Kind            string    `json:"kind"`
	Origins         []string  `json:"origins,omitzero"`
	Disabled        bool      `json:"disabled,omitzero"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"`
	EventsPerSecond int64     `json:"events_per_second,omitzero"`
	BytesPerSecond  int64     `json:"bytes_per_second,omitzero"`
}

// writeKey is a write key. Its secret is in the answer alone that made it.
type writeKey struct {
	ID string `json:"id"`
	keyUse
	Secret string `json:"secret,omitzero"`
}

// state is whether a key writes.
func (k writeKey) state(now time.Time) string {
	switch {
	case k.Disabled:
		return "disabled"
	case k.ExpiresAt.IsZero():
		return "active"
	case k.ExpiresAt.After(now):
		return "until " + stamp(k.ExpiresAt)
	}
	return "expired"
}

// limits are the limits of a key for people, "" without.
func (k keyUse) limits() string {
	var all []string
	if k.EventsPerSecond > 0 {
		all = append(all, strconv.FormatInt(k.EventsPerSecond, 10)+" events/s")
	}
	if k.BytesPerSecond > 0 {
		all = append(all, strconv.FormatInt(k.BytesPerSecond, 10)+" bytes/s")
	}
	return strings.Join(all, ", ")
}

// madeKey is the answer that has a secret.
type madeKey struct {
	Name     string   `json:"name"`
	Revision uint64   `json:"revision"`
	Key      writeKey `json:"key"`
}

// post is a request that makes a secret. It is sent once only: nobody would
// see the secret of an attempt whose answer was lost.
func post(path, note string, body []byte) request {
	return request{method: http.MethodPost, path: path, body: body, note: note}
}
