package ui

import (
	"fmt"
	"strings"
	"testing"
)

// shownTypes are the tables, the values and the chips.
const shownTypes = `[...document.querySelectorAll(".types h2, .types td, .types .bars, .chip")].map((e) => e.innerText.replace(/.* ago|just now/, "")).join("|")`

func TestTypes(t *testing.T) {
	p := newFixture(t).open(t, "/ui/types?"+pinned)
	p.awaitText(".types td", "shop / purchase")
	p.awaitText(".types td", "data.country")
	p.checkScreen("types")

	// The calls return the figures of the tables.
	var types struct {
		Types []struct {
			Category, Name   string
			Stored, Rejected int
		}
	}
	p.curl("Types", &types)
	for _, typ := range types.Types {
		row := evaluate[string](p, fmt.Sprintf(`[...document.querySelectorAll(".types tr")].find((r) => r.innerText.includes(%s))?.innerText ?? ""`, quote(typ.Category+" / "+typ.Name)))
		if typ.Name != "" && !strings.Contains(strings.ReplaceAll(row, ",", ""), fmt.Sprint(typ.Stored)) {
			t.Errorf("the row of %+v is %q", typ, row)
		}
	}
	// A type narrows the fields to its own; a field shows its values.
	p.clickText(".types .row-link", "shop / purchase")
	p.awaitText(".types h2", "Fields of shop / purchase")
	p.awaitText(".types td", "data.revenue")
	var fields struct {
		Events int
		Fields []struct{ Path string }
	}
	p.awaitAnswers()
	p.curl("Fields of shop / purchase", &fields)
	if shown := evaluate[[]string](p, `[...document.querySelectorAll(".field-cell a")].map((e) => e.innerText)`); fmt.Sprint(len(shown)) != fmt.Sprint(len(fields.Fields)) || shown[0] != fields.Fields[0].Path {
		t.Errorf("the fields are %q, the call returns %+v", shown, fields)
	}
	p.clickText(".types .row-link", "data.currency")
	p.awaitText(".types h2", "Values of data.currency")
	p.awaitText(".bars", "EUR")
	p.checkScreen("types-values")
	p.checkSame(shownTypes)
	p.click(".bars .bar")
	p.awaitText(".chip", `data.currency="EUR"`)
	p.clickText(".types button", "Close")
	p.await(`!document.querySelector(".bars")`)
	p.clickText(".types .row-link", "shop / purchase") // again: all types
	p.awaitText(".types h2", "Fields of all types")
	// The events of a type are a link away.
	p.clickText(".types .row-link", "session / login")
	p.clickText(".types a", "Events")
	p.awaitText("h1", "Explorer")
	p.awaitText(".chip", `type="session / login"`)
}

// A type without a schema leads to the editor, which begins with one that the events match.
func TestTypeLeadsToItsSchema(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/types?from=30d&to=now&tz=UTC")
	p.awaitText(".types td", "not registered")
	p.awaitAnswers()
	row := evaluate[string](p, `[...document.querySelectorAll(".types tr")].find((r) => r.innerText.includes("Make a schema")).querySelector(".type-cell").innerText`)
	p.clickText(".types a", "Make a schema")
	p.awaitText(".crumbs", row)
	p.await(editorText + `.textContent.includes('"$schema"')`)

	analyst := f.openAs(t, analystToken, "/ui/types?from=30d&to=now&tz=UTC")
	analyst.awaitText(".types td", "not registered")
	if offered := evaluate[bool](analyst, `document.querySelector(".types").innerText.includes("Make a schema")`); offered {
		t.Error("an analyst is offered to make a schema")
	}
}
