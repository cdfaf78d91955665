package demo

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Times in events, and as the old pages of sendLocalTime wrote them.
const (
	timeFormat      = "2006-01-02T15:04:05.000000Z"
	localTimeFormat = "02.01.2006 15:04"
)

// writer writes the events of a session, a line each.
type writer struct {
	text    []byte
	ids     *rand.PCG
	session uuid.UUID
}

func (s *Sample) newWriter(of *session, text []byte) *writer {
	w := &writer{text: text, ids: s.newIDs(of)}
	w.session = w.newID(4)
	return w
}

// newID returns a UUID of a version, all random.
func (w *writer) newID(version byte) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], w.ids.Uint64())
	binary.BigEndian.PutUint64(id[8:], w.ids.Uint64())
	id[6], id[8] = version<<4|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}

// newEventID returns a UUID with the time of the event, as clients make them.
func (w *writer) newEventID(at int64) uuid.UUID {
	id := w.newID(7)
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(0, at/1000)))
	copy(id[:6], ms[2:])
	return id
}

// writeAction writes the event of an action.
func (w *writer) writeAction(a *action) {
	at := time.UnixMicro(a.at).UTC()
	w.writeRaw(`{"event_id":"`)
	w.text = append(w.text, w.newEventID(a.at).String()...)
	w.writeRaw(`","session_id":"`)
	w.text = append(w.text, w.session.String()...)
	w.writeRaw(`","category":`)
	w.writeQuoted(types[a.kind].category)
	w.writeRaw(`,"name":`)
	w.writeQuoted(types[a.kind].name)
	w.writeRaw(`,"data":{"host":`)
	w.writeQuoted(a.host())
	if a.kind != sendNoPath {
		w.writeMember("path", a.path())
	}
	w.writeMember("user", fmt.Sprintf("u-%06d", a.visitor.number))
	w.writeMember("country", a.visitor.home.code)
	w.writeMember("device", a.visitor.device)
	if a.plan != planNone {
		w.writeMember("plan", a.plan.String())
	}
	w.writeDetails(a)
	w.writeRaw(`},"timestamp":"`)
	if a.kind == sendLocalTime {
		w.text = at.In(a.visitor.home.zone).AppendFormat(w.text, localTimeFormat)
	} else {
		w.text = at.AppendFormat(w.text, timeFormat)
	}
	w.writeRaw("\"}\n")
}

// writeDetails writes what only events of this kind have.
func (w *writer) writeDetails(a *action) {
	switch a.kind {
	case viewPage, sendOldType, sendNoPath, sendLocalTime:
		if a.source != nil && a.source.referrer != "" {
			w.writeMember("referrer", a.source.referrer)
		}
		w.writeNumber("load_ms", a.loadTime)
		w.writeTags(a)
	case clickElement:
		w.writeMember("element", a.element)
	case submitForm:
		w.writeRaw(`,"form":{"name":`)
		w.writeQuoted(a.form)
		w.writeRaw(`,"valid":` + strconv.FormatBool(a.valid) + `}`)
	case addToCart:
		w.writeItem(",", a.item)
		w.writeRaw(`,"currency":"EUR"`)
	case buy:
		w.writePrice("revenue", a.revenue())
		w.writeRaw(`,"currency":"EUR","coupon":`)
		if a.coupon == "" {
			w.writeRaw(`null`)
		} else {
			w.writeQuoted(a.coupon)
		}
		w.writeRaw(`,"items":[`)
		for i, it := range a.items {
			w.writeRaw([...]string{"{", ",{"}[min(i, 1)])
			w.writeItem("", it)
			w.writeRaw(`}`)
		}
		w.writeRaw(`]`)
	case logIn:
		w.writeMember("method", [...]string{"password", "google", "link"}[a.visitor.number%3])
	}
}

// writeTags writes the tags of a page view: the variant of the page, how the
// visit came, and whether it is the visitor's first.
func (w *writer) writeTags(a *action) {
	w.writeRaw(`,"tags":[`)
	w.writeQuoted(a.visitor.variant)
	if a.source != nil && a.source.tag != "" {
		w.writeRaw(`,`)
		w.writeQuoted(a.source.tag)
	}
	if a.returning {
		w.writeRaw(`,"returning"`)
	}
	w.writeRaw(`]`)
}

// writeItem writes the members of an item after a separator.
func (w *writer) writeItem(separator string, it item) {
	w.writeRaw(separator + `"sku":`)
	w.writeQuoted(it.sku)
	w.writePrice("price", it.cents)
	w.writeNumber("quantity", it.quantity)
}

func (w *writer) writeRaw(text string) { w.text = append(w.text, text...) }

// writeQuoted writes a text as JSON. The texts are those of the tables: valid UTF-8.
func (w *writer) writeQuoted(text string) { w.text, _ = jsontext.AppendQuote(w.text, text) }

func (w *writer) writeMember(name, value string) {
	w.writeRaw(`,"` + name + `":`)
	w.writeQuoted(value)
}

func (w *writer) writeNumber(name string, value int64) {
	w.writeRaw(`,"` + name + `":`)
	w.text = strconv.AppendInt(w.text, value, 10)
}

// writePrice writes cents as a number of euros.
func (w *writer) writePrice(name string, cents int64) {
	w.writeRaw(`,"` + name + `":`)
	w.text = fmt.Appendf(w.text, "%d.%02d", cents/100, cents%100)
}
