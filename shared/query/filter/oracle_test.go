package filter_test

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
)

// question is a condition as the oracle sees it: parts, and no text.
type question struct {
	field   string
	path    []step
	op      string
	operand any
}

// step is a segment: a name, an element or a name, or every element.
type step struct {
	name         string
	quoted, each bool
}

// oracleMatch decides in the most direct way: on decoded JSON, with numbers as
// fractions.
func oracleMatch(q question, e *filter.Event, data any) bool {
	found := oracleValues(q, e, data)
	equal := func(v any) bool { return oracleEqual(v, q.operand) }
	switch q.op {
	case "exists":
		return (len(found) > 0) == q.operand.(bool)
	case "!=":
		return !slices.ContainsFunc(found, equal)
	}
	return slices.ContainsFunc(found, func(v any) bool {
		text, isText := v.(string)
		switch q.op {
		case "=":
			return equal(v)
		case "in":
			return slices.ContainsFunc(q.operand.([]any), func(o any) bool { return oracleEqual(v, o) })
		case "^=":
			return isText && len(text) >= len(q.operand.(string)) && text[:len(q.operand.(string))] == q.operand.(string)
		case "*=":
			return isText && strings.Index(text, q.operand.(string)) >= 0 //nolint:staticcheck // not what the code under test calls
		}
		return oracleOrder(v, q.op, q.operand)
	})
}

func oracleValues(q question, e *filter.Event, data any) []any {
	switch q.field {
	case "application":
		return []any{e.Application}
	case "event_id":
		return []any{e.EventID}
	case "session_id":
		return []any{e.SessionID}
	case "category":
		return []any{e.Category}
	case "name":
		return []any{e.Name}
	case "type":
		return []any{e.Category + " / " + e.Name}
	case "timestamp":
		return []any{event.FormatTime(e.Timestamp)}
	case "received_at":
		return []any{event.FormatTime(e.ReceivedAt)}
	case "schema_version":
		return []any{json.Number(strconv.FormatInt(e.SchemaVersion, 10))}
	}
	found := []any{data}
	for _, s := range q.path {
		var next []any
		for _, v := range found {
			list, isList := v.([]any)
			object, isObject := v.(map[string]any)
			switch {
			case s.each && isList:
				next = append(next, list...)
			case s.each:
				next = append(next, v)
			case isObject:
				if member, ok := object[s.name]; ok {
					next = append(next, member)
				}
			case isList && !s.quoted:
				for i := range list {
					if strconv.Itoa(i) == s.name {
						next = append(next, list[i])
					}
				}
			}
		}
		found = next
	}
	return found
}

func oracleEqual(a, b any) bool {
	an, ok1 := a.(json.Number)
	bn, ok2 := b.(json.Number)
	if ok1 && ok2 {
		return fraction(an).Cmp(fraction(bn)) == 0
	}
	if al, ok := a.([]any); ok {
		bl, ok := b.([]any)
		return ok && slices.EqualFunc(al, bl, oracleEqual)
	}
	if ao, ok := a.(map[string]any); ok {
		bo, ok := b.(map[string]any)
		if !ok || len(ao) != len(bo) {
			return false
		}
		for name, v := range ao {
			if w, ok := bo[name]; !ok || !oracleEqual(v, w) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func oracleOrder(a any, op string, b any) bool {
	var sign int
	an, ok1 := a.(json.Number)
	bn, ok2 := b.(json.Number)
	as, ok3 := a.(string)
	bs, ok4 := b.(string)
	switch {
	case ok1 && ok2:
		sign = fraction(an).Cmp(fraction(bn))
	case ok3 && ok4:
		sign = slices.Compare([]byte(as), []byte(bs))
	default:
		return false
	}
	return sign < 0 && op[0] == '<' || sign > 0 && op[0] == '>' || sign == 0 && len(op) == 2
}

func fraction(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic(n)
	}
	return r
}

// generator makes events and questions from few names and values, so that they meet.
type generator struct{ *rand.Rand }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

var (
	memberNames = []string{"a", "b", "0", "1", "x y", "a.b", "", "ü", "$where", `q"`}
	someTexts   = []string{"", "a", "ab", "b", "Z", "ü", "\U0001f600", "\uffff", "5", "01", "null", "[1]", " a", `"`, "a=b", "\x00", "true"}
	someNumbers = []string{
		"0", "-0.0", "1", "1.0", "10e-1", "0.1", "1e-1", "5", "-5", "9007199254740992", "9007199254740993", "9007199254740993.0", "9223372036854775807",
		"9223372036854775808", "1234567890123456789012345678901234", "1e300", "1e-300", "123e2", "12300", "0.30000000000000004", "0.3", "100000000000000000000000.0",
	}
)

// value returns a value of JSON, as the decoder returns it.
func (g generator) value(depth int) any {
	kinds := 8
	if depth > 0 {
		kinds = 12
	}
	switch k := g.IntN(kinds); {
	case k == 0:
		return nil
	case k == 1:
		return g.IntN(2) == 0
	case k < 5:
		return json.Number(pick(g, someNumbers...))
	case k < 8:
		return pick(g, someTexts...)
	case k < 10:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range g.IntN(4) {
		object[pick(g, memberNames...)] = g.value(depth - 1)
	}
	return object
}

func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// event returns an event, and its data as the decoder returns them.
func (g generator) event() (*filter.Event, any) {
	data := map[string]any{}
	for range g.IntN(6) {
		data[pick(g, memberNames...)] = g.value(3)
	}
	return &filter.Event{
		Application: pick(g, "shop", "blog"), EventID: pick(g, "1", "e"), SessionID: "0192f0c1-6f3a-7b1e-8c2d-0123456789ab",
		Category: pick(g, "a", "a / b"), Name: pick(g, "c", "b / c"), SchemaVersion: int64(1 + g.IntN(3)),
		Timestamp: now.Add(time.Duration(g.IntN(3)-1) * time.Hour).Truncate(time.Microsecond), ReceivedAt: now.Truncate(time.Millisecond),
		Data: []byte(encode(data)),
	}, data
}

// question returns a condition, and a text for it.
func (g generator) question() (question, string) {
	q := question{
		field: pick(g, "data", "data", "data", "data", "data", "data", "application", "event_id", "category", "name", "type", "timestamp", "received_at", "schema_version"),
		op:    pick(g, "=", "!=", ">", ">=", "<", "<=", "^=", "*=", "in", "exists"),
	}
	text := q.field
	if q.field == "data" {
		for range g.IntN(4) {
			s := step{name: pick(g, memberNames...), each: g.IntN(4) == 0, quoted: g.IntN(4) == 0}
			bare := s.name == "a" || s.name == "b" || s.name == "ü" || s.name == "0" || s.name == "1"
			switch {
			case s.each:
				text += "[]"
			case bare && !s.quoted:
				text += "." + s.name
			default:
				s.quoted = true
				text += "." + encode(s.name)
			}
			q.path = append(q.path, s)
		}
	}
	isTime := q.field == "timestamp" || q.field == "received_at"
	if isTime && (q.op == "^=" || q.op == "*=") {
		q.op = "="
	}
	space := pick(g, "", " ", "  ")
	var operand string
	q.operand, operand = g.operand(q, isTime)
	if q.op == "in" || q.op == "exists" {
		return q, text + " " + q.op + " " + operand
	}
	return q, text + space + q.op + space + operand
}

func (g generator) operand(q question, isTime bool) (any, string) {
	isText := q.field != "data" && q.field != "schema_version" && !isTime
	single := func() any {
		switch {
		case isTime:
			return event.FormatTime(pick(g, now, now.Truncate(time.Millisecond), now.Add(time.Hour)))
		case isText:
			return pick(g, "shop", "1", "e", "a", "a / b", "c", "b / c", "a / b / c", "a / b / b / c", "a /", "")
		}
		return g.value(2)
	}
	switch q.op {
	case "exists":
		v := g.IntN(2) == 0
		return v, pick(g, strconv.FormatBool(v), map[bool]string{true: "", false: "false "}[v])
	case "in":
		list := []any{}
		for range g.IntN(5) {
			list = append(list, single())
		}
		return list, encode(list)
	case "^=", "*=":
		v := pick(g, "", "a", "b", "/ ", "5", "01", "\uffff", "ü", "null")
		return v, pick(g, v, encode(v))
	}
	v := single()
	text, ok := v.(string)
	if !ok || strings.HasPrefix(text, " ") || !isText && !isTime && json.Valid([]byte(text)) || strings.HasPrefix(text, `"`) {
		return v, encode(v)
	}
	return v, pick(g, text, encode(v))
}

// The evaluator agrees with the oracle on random events and conditions, and so do its
// quick forms for numbers and instants.
func TestEvaluatorAgreesWithTheOracle(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	matched := 0
	const events, questions = 4_000, 26
	for range events {
		e, data := g.event()
		for range questions {
			q, text := g.question()
			f, err := filter.Parse([]string{text}, now)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want := oracleMatch(q, e, data)
			if f.Match(e) != want || f[0].MatchValues(e.Values(f[0].Field)) != want {
				t.Fatalf("%s on %s of %+v is not %v", text, e.Data, e, want)
			}
			if want {
				matched++
			}
			checkQuickForm(t, g, &f[0], e)
		}
	}
	if share := matched * 100 / (events * questions); share < 15 || share > 60 {
		t.Errorf("%d %% match: the questions are too easy", share)
	}
}

// checkQuickForm compares MatchInstant with MatchValue.
func checkQuickForm(t *testing.T, g generator, c *filter.Condition, e *filter.Event) {
	if !c.Field.Name.IsTime() {
		return
	}
	at := pick(g, e.Timestamp, e.ReceivedAt, now.Truncate(time.Microsecond))
	if c.MatchInstant(at.UnixMicro()) != c.MatchValue(filter.Text(event.FormatTime(at))) {
		t.Fatalf("%s: the instant %v", c, at)
	}
}

// Values have one order, in which equal values alone are together. Their keys are
// equal exactly if they are.
func TestOrderOfValues(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	rank := func(v any) int {
		switch v := v.(type) {
		case nil:
			return 0
		case bool:
			return map[bool]int{false: 1, true: 2}[v]
		case json.Number:
			return 3
		case string:
			return 4
		}
		return 5
	}
	for range 15_000 {
		a, b := g.value(2), g.value(2)
		v, w := parseValue(t, encode(a)), parseValue(t, encode(b))
		equal := oracleEqual(a, b)
		if (v.Key() == w.Key()) != equal || v.Equal(w) != equal || (v.Compare(w) == 0) != equal {
			t.Fatalf("%s and %s: keys %s and %s, compared %d", encode(a), encode(b), v.Key(), w.Key(), v.Compare(w))
		}
		if v.Compare(w) != -w.Compare(v) || rank(a) < rank(b) && v.Compare(w) >= 0 {
			t.Fatalf("%s and %s are compared as %d", encode(a), encode(b), v.Compare(w))
		}
		if rank(a) == rank(b) && (oracleOrder(a, "<", b) && v.Compare(w) != -1 || oracleOrder(a, ">", b) && v.Compare(w) != 1) {
			t.Fatalf("%s and %s are compared as %d", encode(a), encode(b), v.Compare(w))
		}
		if again := parseValue(t, v.Key()); again.Key() != v.Key() || !again.Equal(v) {
			t.Fatalf("the key %s is read as %s", v.Key(), again.Key())
		}
		if again := parseValue(t, string(v.AppendJSON(nil))); !again.Equal(v) {
			t.Fatalf("%s is written as %s", encode(a), v.AppendJSON(nil))
		}
	}
}

func parseValue(t *testing.T, text string) filter.Value {
	t.Helper()
	v, err := filter.ParseValue([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
