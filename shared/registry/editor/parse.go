package editor

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Limits of an application's declaration.
const (
	maxKeys    = 100
	maxOrigins = 100
	// maxRate is more events or bytes a second than any client sends, and far
	// below where sums overflow.
	maxRate = 1_000_000_000_000
)

// parseApplication parses a declaration `{"keys": [{"sha256", "kind", "origins",
// "disabled", "expires_at", "events_per_second", "bytes_per_second"}], "adapters",
// "missing_session"}` and returns every fault at once. Digests come back in lower case,
// times in UTC.
func parseApplication(raw []byte) ([]registry.KeyRecord, registry.ApplicationSettings, []event.Fault) {
	var settings registry.ApplicationSettings
	tree, faults := schema.Read(raw)
	if len(faults) > 0 {
		return nil, settings, faults
	}
	m := schema.Location{Faults: &faults}
	var keys []registry.KeyRecord
	found := false
	m.Object(tree, map[string]func(any){
		"keys":            func(v any) { keys, found = parseKeys(m.At("keys"), v), true },
		"adapters":        func(v any) { settings.Adapters = parseAdapters(m.At("adapters"), v) },
		"missing_session": func(v any) { settings.MissingSession = parseMissingSession(m.At("missing_session"), v) },
	})
	if !found && len(faults) == 0 {
		m.Faultf("the member keys is missing")
	}
	return keys, settings, faults
}

// parseAdapters parses the formats that an application enables: sorted, nil for
// none, so that equal settings are equal records.
func parseAdapters(m schema.Location, v any) []string {
	list, ok := v.([]any)
	if !ok {
		m.Faultf("must be an array of %s", strings.Join(registry.Adapters(), ", "))
		return nil
	}
	var names []string
	for i, v := range list {
		name, _ := v.(string)
		switch {
		case !slices.Contains(registry.Adapters(), name):
			m.At(strconv.Itoa(i)).Faultf("must be one of %s", strings.Join(registry.Adapters(), ", "))
		case slices.Contains(names, name):
			m.At(strconv.Itoa(i)).Faultf("is listed twice")
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// checkApplicationSettings returns settings in the form in which they are kept. They
// are checked as declared ones are.
func checkApplicationSettings(s registry.ApplicationSettings) (registry.ApplicationSettings, []event.Fault) {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	names := make([]any, len(s.Adapters))
	for i, name := range s.Adapters {
		names[i] = name
	}
	s.Adapters = parseAdapters(m.At("adapters"), names)
	if s.MissingSession != "" {
		s.MissingSession = parseMissingSession(m.At("missing_session"), s.MissingSession)
	}
	return s, faults
}

// parseMissingSession parses what becomes of an event without a session; "" for
// the default.
func parseMissingSession(m schema.Location, v any) string {
	switch s, _ := v.(string); s {
	case event.SessionRequired:
		return s
	case event.SessionFromSender:
		return ""
	}
	m.Faultf("must be %q, a session derived from who sent the event, or %q", event.SessionFromSender, event.SessionRequired)
	return ""
}

func parseKeys(m schema.Location, v any) []registry.KeyRecord {
	list, ok := v.([]any)
	if !ok || len(list) > maxKeys {
		m.Faultf("must be an array of at most %d keys", maxKeys)
		return nil
	}
	keys := make([]registry.KeyRecord, len(list))
	for i, v := range list {
		at := m.At(strconv.Itoa(i))
		keys[i] = parseKey(at, v)
		// Ids must be unique, and an id is shorter than the digest.
		same := func(k registry.KeyRecord) bool { return k.SHA256 != "" && k.ID() == keys[i].ID() }
		if slices.ContainsFunc(keys[:i], same) {
			at.At("sha256").Faultf("a key above has the same one, or the same first %d digits", len(keys[i].ID()))
		}
	}
	return keys
}

func parseKey(m schema.Location, v any) (k registry.KeyRecord) {
	m.Object(v, map[string]func(any){
		"sha256":            func(v any) { k.SHA256 = parseSum(m.At("sha256"), v) },
		"kind":              func(v any) { k.Kind = parseKind(m.At("kind"), v) },
		"origins":           func(v any) { k.Origins = parseOrigins(m.At("origins"), v) },
		"disabled":          func(v any) { k.Disabled = parseBool(m.At("disabled"), v) },
		"expires_at":        func(v any) { k.ExpiresAt = parseTime(m.At("expires_at"), v) },
		"events_per_second": func(v any) { k.EventsPerSecond = parseRate(m.At("events_per_second"), v) },
		"bytes_per_second":  func(v any) { k.BytesPerSecond = parseRate(m.At("bytes_per_second"), v) },
	})
	object, ok := v.(map[string]any)
	if !ok {
		return k
	}
	for _, name := range []string{"sha256", "kind"} {
		if _, has := object[name]; !has {
			m.Faultf("the member %s is missing", name)
		}
	}
	_, has := object["origins"]
	switch {
	case k.Kind == registry.Browser && !has:
		m.Faultf("a browser key must have origins: the pages that it is used from")
	case k.Kind == registry.Server && has:
		m.At("origins").Faultf("a server key must not have origins")
	}
	return k
}

// parseSum parses the digest of a key. Its fault does not quote it: it may be the
// secret.
func parseSum(m schema.Location, v any) string {
	s, _ := v.(string)
	sum, err := registry.ParseDigest(s)
	if err != nil {
		m.Faultf("must be the SHA-256 of the key, 64 hexadecimal digits")
		return ""
	}
	if sum.IsPublic() {
		m.Faultf("is that of a key or token of --dev, which everybody knows: make a key with theeye app create")
	}
	return strings.ToLower(s)
}

func parseKind(m schema.Location, v any) registry.Kind {
	s, _ := v.(string)
	kind := registry.Kind(s)
	if kind != registry.Browser && kind != registry.Server {
		m.Faultf("must be %q or %q", registry.Browser, registry.Server)
		return ""
	}
	return kind
}

func parseOrigins(m schema.Location, v any) []string {
	list, ok := v.([]any)
	if !ok || len(list) == 0 || len(list) > maxOrigins {
		m.Faultf("must be an array of 1 to %d origins", maxOrigins)
		return nil
	}
	origins := make([]string, 0, len(list))
	for i, v := range list {
		at := m.At(strconv.Itoa(i))
		given, ok := v.(string)
		origin, err := registry.NormalizeOrigin(given)
		switch {
		case !ok:
			at.Faultf("must be a string")
		case err != nil:
			at.Faultf("%v", err)
		case slices.Contains(origins, origin):
			at.Faultf("is listed twice")
		}
		origins = append(origins, origin)
	}
	return origins
}

func parseBool(m schema.Location, v any) bool {
	b, ok := v.(bool)
	if !ok {
		m.Faultf("must be true or false")
	}
	return b
}

func parseTime(m schema.Location, v any) time.Time {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 || t.IsZero() {
		m.Faultf(`must be a time as in RFC 3339, such as "2030-01-31T12:00:00Z"`)
		return time.Time{}
	}
	return t.UTC()
}

// parseRate parses a limit of events or bytes a second; 0 is no limit.
func parseRate(m schema.Location, v any) int64 {
	number, _ := v.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || n < 0 || n > maxRate {
		m.Faultf("must be an integer from 0, which is no limit, to %d", int64(maxRate))
		return 0
	}
	return n
}

// checkName reports a name that no application can have.
func checkName(name string) []event.Fault {
	var faults []event.Fault
	if !stream.ValidApplication(name) {
		m := schema.Location{Faults: &faults}
		m.At("name").Faultf("an application's name must have 1 to 32 of a-z, 0-9 and -, and must not start with -")
	}
	return faults
}
