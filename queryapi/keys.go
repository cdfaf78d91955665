package queryapi

import (
	"net/http"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

// key is a write key in an answer.
type key struct {
	ID              string        `json:"id"`
	Kind            registry.Kind `json:"kind"`
	Origins         []string      `json:"origins,omitempty"`
	Disabled        bool          `json:"disabled,omitzero"`
	ExpiresAt       string        `json:"expires_at,omitzero"`
	EventsPerSecond int64         `json:"events_per_second,omitzero"`
	BytesPerSecond  int64         `json:"bytes_per_second,omitzero"`
}

// newKey is a key in the one answer that shows its secret.
type newKey struct {
	key
	Secret string `json:"secret"`
}

func keyOf(k registry.KeyInfo) key {
	answer := key{
		ID: k.ID, Kind: k.Kind, Origins: k.Origins, Disabled: k.Disabled,
		EventsPerSecond: k.EventsPerSecond, BytesPerSecond: k.BytesPerSecond,
	}
	if !k.ExpiresAt.IsZero() {
		answer.ExpiresAt = event.FormatTime(k.ExpiresAt)
	}
	return answer
}

func newKeyOf(k registry.NewKey) *newKey { return &newKey{key: keyOf(k.KeyInfo), Secret: k.Secret} }

// keyMembers are the members of a body that describe a key.
func keyMembers(k *registry.KeyInfo) map[string]member {
	return map[string]member{
		"kind":              textMember(&k.Kind),
		"origins":           textsMember(&k.Origins),
		"disabled":          boolMember(&k.Disabled),
		"expires_at":        timeMember(&k.ExpiresAt),
		"events_per_second": countMember(&k.EventsPerSecond),
		"bytes_per_second":  countMember(&k.BytesPerSecond),
	}
}

// rotation replaces one key by a new one that is used the same way.
type rotation struct {
	replaces string
	overlap  time.Duration
}

// createKey answers POST /v1/applications/{name}/keys: one more key, or one
// that replaces another, which goes on working for the overlap.
func (s *Service) createKey(w http.ResponseWriter, r *http.Request, who scope) error {
	name, _, err := pathApplication(r)
	if err != nil {
		return err
	}
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	spec, turn, err := readNewKey(w, r)
	if err != nil {
		return err
	}
	var a registry.Application
	var made registry.NewKey
	if turn.replaces != "" {
		a, made, err = s.editor.RotateKey(r.Context(), name, turn.replaces, turn.overlap, c.orAny(), c.by)
	} else {
		a, made, err = s.editor.AddKey(r.Context(), name, spec, c.orAny(), c.by)
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, a.Revision, changedApplication{a.Name, a.Revision, newKeyOf(made)})
}

// readNewKey reads either of the two bodies of createKey.
func readNewKey(w http.ResponseWriter, r *http.Request) (spec registry.KeyInfo, turn rotation, err error) {
	var described, overlaps bool
	known := keyMembers(&spec)
	for name, read := range known {
		known[name] = func(m schema.Location, v any) { described = true; read(m, v) }
	}
	known["replaces"] = textMember(&turn.replaces)
	overlap := durationMember(&turn.overlap)
	known["overlap"] = func(m schema.Location, v any) { overlaps = true; overlap(m, v) }
	if err := readObject(w, r, known); err != nil {
		return spec, turn, err
	}
	switch {
	case turn.replaces != "" && described:
		return spec, turn, invalidMember("a key that replaces another is used as that one: only overlap goes with replaces")
	case turn.replaces == "" && overlaps:
		return spec, turn, invalidMember("overlap goes with replaces: the id of the key that the new one replaces")
	case turn.replaces == "" && spec.Kind == "":
		return spec, turn, invalidMember("the member kind is missing")
	}
	return spec, turn, nil
}

// invalidMember is one fault of the body as a whole.
func invalidMember(message string) *failure {
	return invalid([]event.Fault{{Code: schema.CodeInvalidDeclaration, Message: message}})
}

// putKey answers PUT /v1/applications/{name}/keys/{id}: how a key may be used,
// as a whole. Its secret stays.
func (s *Service) putKey(w http.ResponseWriter, r *http.Request, who scope) error {
	name, id, err := pathApplication(r)
	if err != nil {
		return err
	}
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	var spec registry.KeyInfo
	if err := readObject(w, r, keyMembers(&spec), "kind"); err != nil {
		return err
	}
	a, err := s.editor.SetKey(r.Context(), name, id, spec, c.orAny(), c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, a.Revision, changedApplication{Name: a.Name, Revision: a.Revision})
}

// deleteKey answers DELETE /v1/applications/{name}/keys/{id}.
func (s *Service) deleteKey(w http.ResponseWriter, r *http.Request, who scope) error {
	name, id, err := pathApplication(r)
	if err != nil {
		return err
	}
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	a, err := s.editor.DeleteKey(r.Context(), name, id, c.orAny(), c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, a.Revision, changedApplication{Name: a.Name, Revision: a.Revision})
}
