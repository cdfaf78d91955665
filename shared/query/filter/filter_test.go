package filter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query/filter"
)

var now = time.Date(2026, 11, 27, 10, 30, 0, 123_456_789, time.UTC)

func parseOne(t *testing.T, text string) filter.Condition {
	t.Helper()
	f, err := filter.Parse([]string{text}, now)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f[0]
}

// A filter stops at its first fault, and names the place and the expected text.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text     string
		position int
		expected string
	}{
		{"", 0, "one of the fields application,"},
		{"=5", 0, "one of the fields"},
		{"categroy=x", 0, "the field category"},
		{"catgory.x=5", 0, "the field category; members of the data begin with data."},
		{"plan=pro", 0, "one of the fields"},
		{"$where=1", 0, "one of the fields"},
		{"category", 8, "an operator"},
		{"category x", 9, "an operator"},
		{"category.x=5", 8, "an operator"},
		{"category !x", 9, "an operator"},
		{"category IN []", 9, "an operator"},
		{"data.=5", 5, "the name of a member"},
		{"data..x=5", 5, "the name of a member"},
		{"data.[]=5", 5, "the name of a member"},
		{"data.a[0]=5", 7, "data.items.0"},
		{"data.a b=5", 7, `quoted: data."a name"`},
		{`data."a=5`, 5, "quoted as a JSON string"},
		{`data."\ud800"=5`, 5, "quoted as a JSON string"},
		{"data.ü.$x=5", 8, "the name of a member"},
		{"data.x existstrue", 7, "an operator"},
		{"data.x exists yes", 14, "true, false, or the end"},
		{"data.x in a", 10, "a JSON array"},
		{`data.x in "a"`, 10, "a JSON array"},
		{"data.x in [1,]", 10, "a JSON array"},
		{"data.x in", 9, "a JSON array"},
		{"timestamp>", 10, "a time"},
		{"timestamp>5", 10, "is a number without a unit"},
		{"received_at = soon", 14, "a time"},
		{"timestamp^=2026", 9, "timestamp is a time, not a text"},
		{`timestamp in ["1h","x"]`, 13, "element 1"},
		{"data.x=\xff", 7, "UTF-8"},
		{"data.x=" + strings.Repeat("a", filter.MaxBytes), filter.MaxBytes, "at most 4096 bytes"},
	} {
		_, err := filter.Parse([]string{"data.x=1", c.text}, now)
		var e *filter.Error
		if !errors.As(err, &e) || e.Index != 1 || e.Position != c.position || e.Text != c.text || !strings.Contains(e.Expected, c.expected) {
			t.Errorf("%.40q: %#v; want position %d, %q", c.text, err, c.position, c.expected)
		}
	}
	_, err := filter.Parse(slices.Repeat([]string{"data.x=1"}, filter.MaxConditions+1), now)
	var e *filter.Error
	if !errors.As(err, &e) || e.Index != filter.MaxConditions || e.Expected != "at most 20 filters" {
		t.Errorf("21 filters: %v", err)
	}
	if _, err := filter.Parse(slices.Repeat([]string{"data.x=1"}, filter.MaxConditions), now); err != nil {
		t.Errorf("20 filters: %v", err)
	}
	for _, text := range []string{"data.x=", "data.x ", "dat", "data.", ""} {
		if f, err := filter.ParseField(text); err == nil {
			t.Errorf("%q is the field %v", text, f)
		}
	}
}

// The canonical text of a condition, which means the same.
func TestCanonicalTexts(t *testing.T) {
	for text, want := range map[string]string{
		"  data.x =  5 ":                  "data.x=5",
		"data.x=1.50":                     "data.x=1.5",
		"data.x=-0.0":                     "data.x=0",
		"data.x=12e19":                    "data.x=120000000000000000000",
		"data.x=1e21":                     "data.x=1e21",
		"data.x=0.000001":                 "data.x=0.000001",
		"data.x=0.00000012":               "data.x=1.2e-7",
		"data.x=1e0000000000000000000005": "data.x=100000",
		"data.x=12e99999999999999999999":  "data.x=1.2e100000000000000000000",
		"data.x=01234":                    `data.x="01234"`,
		"data.x=a b ":                     `data.x="a b "`,
		`data.x=" a"`:                     `data.x=" a"`,
		`data.x=" a`:                      `data.x="\" a"`,
		"data.x=":                         `data.x=""`,
		"data.x==5":                       `data.x="=5"`,
		`data.x={"b":1.0,"a":[ ]}`:        `data.x={"a":[],"b":1}`,
		`data.x={"a":1,"a":1}`:            `data.x="{\"a\":1,\"a\":1}"`,
		"data.x=null":                     "data.x=null",
		"data.x^=01":                      `data.x^="01"`,
		"data.x*=5":                       `data.x*="5"`,
		`data.x *= "5"`:                   `data.x*="5"`,
		`data.x in["a",1.0]`:              `data.x in ["a",1]`,
		"data.x exists":                   "data.x exists true",
		"data.x exists false ":            "data.x exists false",
		`data."x"."0"."a.b"."".0=1`:       `data.x."0"."a.b"."".0=1`,
		`data[].a[][]."größe"=1`:          "data[].a[][].größe=1",
		"data exists":                     "data exists true",
		"name=404":                        `name="404"`,
		`name in [404,"x",null]`:          `name in ["404","x","null"]`,
		"session_id=0192F0C1-AAAA-7BBB-8CCC-0123ABC": `session_id="0192f0c1-aaaa-7bbb-8ccc-0123abc"`,
		"schema_version>=2":                          "schema_version>=2",
		"timestamp>=1h30m":                           `timestamp>="2026-11-27T09:00:00.123456Z"`,
		"timestamp < 2026-11-19 10:00":               `timestamp<"2026-11-19T10:00:00.000000Z"`,
		`received_at in ["today","2026-01-01"]`:      `received_at in ["2026-11-27T00:00:00.000000Z","2026-01-01T00:00:00.000000Z"]`,
		"type = page interaction / pageview":         `type="page interaction / pageview"`,
	} {
		c := parseOne(t, text)
		if got := c.String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
		again := parseOne(t, want)
		if got := again.String(); got != want {
			t.Errorf("%s is %s", want, got)
		}
	}
}

// Filters of the same conditions are bound alike. Times that move with the clock are
// bound as they were written.
func TestBinding(t *testing.T) {
	parse := func(now time.Time, texts ...string) filter.Filter {
		f, err := filter.Parse(texts, now)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := parse(now, "data.x=1.0", "name=a"), parse(now, "name = a", "data.x = 1", "data.x=1")
	if a.String() != b.String() || a.Binding() != b.Binding() || a.Relative() {
		t.Errorf("%q and %q differ", a.Binding(), b.Binding())
	}
	later := now.Add(time.Hour)
	for _, text := range []string{"timestamp>= TODAY", `received_at in ["today","2026-01-01"]`} {
		a, b = parse(now, text), parse(later.Add(24*time.Hour), text)
		if a.Binding() != b.Binding() || a.String() == b.String() || !a.Relative() {
			t.Errorf("%q and %q", a.Binding(), b.Binding())
		}
	}
	if a, b = parse(now, "timestamp>1h"), parse(now, "timestamp>2h"); a.Binding() == b.Binding() {
		t.Errorf("%q", a.Binding())
	}
	if a, b = parse(now, `timestamp in ["1h","2026-01-01"]`), parse(now, `timestamp in ["1h","2026-01-02"]`); a.Binding() == b.Binding() {
		t.Errorf("%q is that of another filter", a.Binding())
	}
}
