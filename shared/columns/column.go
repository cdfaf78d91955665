package columns

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
)

// Column is one field of every row of a part, dictionary coded. It is read-only.
type Column struct {
	// Values are the distinct values by filter.Value.Key. Numbers, arrays and objects have
	// their canonical spelling.
	Values Values
	// Codes are the values of the rows, as codes of Values, or as indexes of Elements
	// where that is not nil.
	Codes Codes
	// Elements is not nil for a field that crosses [] alone: the lists of values, as
	// codes of Values, in order and with repetitions. Elements[0] is empty: a missing
	// value, and an array without elements, are code 0.
	Elements [][]uint32
}

func (c *Column) size() int {
	size := c.Codes.countBytes() + c.Values.countBytes()
	for _, list := range c.Elements {
		size += 24 + 4*len(list)
	}
	return size
}

// Column returns a field of every row. The data of rejected events is not held: it is
// missing. The error is ErrNotHeld for a path that is over a bound, or whose value may
// depend on one that is.
func (p *Part) Column(ctx context.Context, f filter.Field) (*Column, error) {
	return loadDerived(ctx, p, "field "+f.String(), func() (*Column, error) {
		c, err := p.makeColumn(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", f, p.key, err)
		}
		return c, nil
	})
}

func (p *Part) makeColumn(ctx context.Context, f filter.Field) (*Column, error) {
	switch f.Name {
	case filter.Application:
		return p.makeConstant(filter.Text(p.key.Application)), nil
	case filter.Category, filter.EventName, filter.Type:
		return p.makeTypeColumn(ctx, f.Name)
	case filter.EventID:
		return p.makeEventIDs(ctx)
	case filter.SessionID:
		return p.makeSessionIDs(ctx)
	case filter.SchemaVersion:
		c, err := readVector[*coded](ctx, p, vectorSchema)
		if err != nil {
			return nil, err
		}
		return &Column{Values: c.values, Codes: c.spread(p.rows)}, nil
	case filter.Timestamp:
		return p.makeInstants(ctx, vectorTimestamp, time.UnixMicro)
	case filter.ReceivedAt:
		return p.makeInstants(ctx, vectorReceived, time.UnixMilli)
	case filter.Data:
		return p.makeData(ctx, f.Path)
	}
	return nil, fmt.Errorf("%w: no field %d", ErrNotHeld, f.Name)
}

func (p *Part) makeConstant(v filter.Value) *Column {
	values, codes := make([]filter.Value, 1), make([]uint8, p.rows)
	if p.rows > 0 {
		values = append(values, v)
	}
	for i := range codes {
		codes[i] = 1
	}
	return &Column{Values: PackValues(values), Codes: Codes{bytes: codes}}
}

// makeTypeColumn makes the column of category, name or type.
func (p *Part) makeTypeColumn(ctx context.Context, name filter.Name) (*Column, error) {
	codes, err := p.TypeCodes(ctx)
	if err != nil {
		return nil, err
	}
	var texts interner[string]
	byType := make([]uint32, len(p.types))
	for i, t := range p.types {
		text := t.Category
		switch {
		case name == filter.EventName:
			text = t.Name
		case name == filter.Type && (t.Category == "" || t.Name == ""):
			text = ""
		case name == filter.Type:
			text = t.Category + filter.TypeSeparator + t.Name
		}
		byType[i] = codeUnlessZero(&texts, text)
	}
	return &Column{Values: textValues(texts.list()), Codes: PackCodes(gather(byType, codes.unpackCodes()))}, nil
}

func (p *Part) makeEventIDs(ctx context.Context) (*Column, error) {
	ids, err := p.EventIDs(ctx)
	if err != nil {
		return nil, err
	}
	return p.codeTexts(ctx, func(row int) string { return string(ids.At(row)) })
}

func (p *Part) makeSessionIDs(ctx context.Context) (*Column, error) {
	v, err := readVector[*sessionVector](ctx, p, vectorSession)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(v.ids))
	for i, id := range v.ids[1:] {
		texts[i+1] = uuid.UUID(id).String()
	}
	return &Column{Values: textValues(texts), Codes: v.codes}, nil
}

// makeInstants makes the column of a time, which is a text there.
func (p *Part) makeInstants(ctx context.Context, v vector, instant func(int64) time.Time) (*Column, error) {
	times, err := loadVector[*Times](ctx, p, v)
	if err != nil {
		return nil, err
	}
	return p.codeTexts(ctx, func(row int) string {
		at := times.TimeAt(row)
		if at == missingTime {
			return ""
		}
		// An event without a time has the zero time, so that is missing to a filter.
		t := instant(at).UTC()
		if t.IsZero() {
			return ""
		}
		return event.FormatTime(t)
	})
}

// codeTexts makes the column of a text of each row; an empty one is missing.
func (p *Part) codeTexts(ctx context.Context, text func(row int) string) (*Column, error) {
	var texts interner[string]
	codes := make([]uint32, p.rows)
	for row := range codes {
		if row%checkedSteps == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		codes[row] = codeUnlessZero(&texts, text(row))
		if len(texts.values) > MaxValues+1 {
			return nil, fmt.Errorf("%w: more than %d values", ErrNotHeld, MaxValues)
		}
	}
	return &Column{Values: textValues(texts.list()), Codes: PackCodes(codes)}, nil
}

// checkedSteps is the number of rows between two looks at a context.
const checkedSteps = 1 << 16
