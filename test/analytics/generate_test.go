package analytics

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/theeye/theeye/test/analytics/oracle"
)

// generator makes random events and questions from few values, so that they meet.
type generator struct {
	*rand.Rand
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

var sessions = []string{
	"00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002", "ffffffff-ffff-4fff-bfff-ffffffffffff",
	"11111111-2222-3333-4444-555555555555",
}

func (g *generator) numeral() any {
	return json.Number(pick(g, "0", "1", "1.0", "-5", "2.5", "0.1", "0.2", "0.3", "100", "9007199254740993", "9007199254740992", "12345678901234567890", "-0.1"))
}

func (g *generator) text() any { return pick[any](g, "a", "b", "ab", "", "Ü", "1", "=x", "left-0") }

func (g *generator) scalar() any {
	switch g.IntN(6) {
	case 0, 1:
		return g.numeral()
	case 2:
		return pick[any](g, nil, true, false)
	}
	return g.text()
}

// data returns the data of an event.
func (g *generator) data() map[string]any {
	data := map[string]any{}
	if g.chance(70) {
		data["n"] = g.numeral()
	} else if g.chance(30) {
		data["n"] = g.scalar()
	}
	if g.chance(80) {
		data["s"] = g.text()
	} else if g.chance(50) {
		data["s"] = nil
	}
	if g.chance(60) {
		data["user"] = pick[any](g, "u1", "u2", "u3", json.Number("7"), nil)
	}
	if g.chance(50) {
		data["tags"] = g.tags()
	}
	if g.chance(40) {
		data["o"] = map[string]any{"p": g.scalar()}
	}
	if g.chance(30) {
		items := []any{}
		for i := range g.IntN(3) {
			items = append(items, map[string]any{"sku": fmt.Sprintf("k%d", i), "price": json.Number(pick(g, "0", "1", "2.5", "0.1", "0.3", "9007199254740993"))}) // one spelling each: ties are ordered by it
		}
		data["items"] = items
	}
	if g.chance(20) {
		data["a.b"] = g.scalar()
	}
	return data
}

// tags returns an array of different values, or a scalar in its place.
func (g *generator) tags() any {
	if g.chance(20) {
		return pick[any](g, "x", json.Number("3"))
	}
	tags := []any{}
	for _, v := range []any{"x", "y", json.Number("3"), nil} {
		if g.chance(40) {
			tags = append(tags, v)
		}
	}
	return tags
}

// fields are those of questions; oneValue those that have at most one value in an event.
var (
	oneValue = []string{"type", "name", "session_id", "application", "data.n", "data.s", "data.user", "data.tags", "data.o.p", `data."a.b"`, "data.items.0.sku", "data.tags.0"}
	anyField = append([]string{"data.tags[]", "data.items[].sku", "data.items[].price"}, oneValue...)
	numeric  = []string{"data.n", "data.items[].price", "data.o.p", "data.items.1.price", "data.tags[]"}
)

// filters returns a few conditions.
func (g *generator) filters(most int, now time.Time) []oracle.Filter {
	var list []oracle.Filter
	for range g.IntN(most + 1) {
		list = append(list, g.filter(now))
	}
	return list
}

func (g *generator) filter(now time.Time) oracle.Filter {
	if g.chance(10) {
		return oracle.Filter{
			Field: pick(g, "timestamp", "received_at"), Op: pick(g, ">", ">=", "<", "<=", "!="), Value: g.moment(now),
		}
	}
	f := oracle.Filter{Field: pick(g, append([]string{"schema_version", "category", "event_id"}, anyField...)...)}
	if f.Field == "session_id" || f.Field == "application" {
		f.Op, f.Value = pick(g, "=", "!="), pick[any](g, sessions[0], sessions[2])
		if f.Field == "application" {
			f.Value = "left-0"
		}
		return f
	}
	if slices.Contains([]string{"event_id", "category", "name", "type"}, f.Field) { // they take every value as text
		text := pick[any](g, "view", "buy", "e1", "e2", "shop 1 / view", "v", "")
		f.Op, f.Value = pick(g, "=", "!=", ">", ">=", "<", "<=", "^=", "*=", "in"), text
		if f.Op == "in" {
			f.Value = []any{text, "click"}
		}
		return f
	}
	switch f.Op = pick(g, "=", "!=", ">", ">=", "<", "<=", "^=", "*=", "in", "exists"); f.Op {
	case "exists":
		f.Value = g.chance(50)
	case "in":
		f.Value = []any{g.scalar(), g.scalar(), "view"}
	case "^=", "*=":
		f.Value = pick[any](g, "a", "b", "v", "Ü", "c")
	case ">", ">=", "<", "<=":
		f.Value = pick(g, g.numeral(), g.text())
	default:
		f.Value = g.scalar()
		if g.chance(20) {
			f.Value = g.tags()
		}
	}
	return f
}

// moment is a time near which events lie.
func (g *generator) moment(now time.Time) time.Time {
	return now.Add(-time.Duration(g.IntN(9*24*60))*time.Minute + 2*24*time.Hour).Truncate(time.Minute)
}

// ranges returns a range of event time: mostly one that has many events in it.
func (g *generator) ranges(now time.Time) (from, to time.Time) {
	if g.chance(60) {
		return now.Add(-8 * 24 * time.Hour), now.Add(time.Hour)
	}
	from, to = g.moment(now), g.moment(now)
	if to.Before(from) {
		from, to = to, from
	}
	return from, to.Add(time.Duration(1+g.IntN(100)) * time.Minute)
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns"}
