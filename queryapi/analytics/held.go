package analytics

import (
	"context"
	"errors"
	"fmt"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// loadColumn returns a field of the rows of a part. A field that the part left out is
// read from the store, within the deadline of ctx; where that is over its bounds too, the
// question cannot be answered.
func loadColumn(ctx context.Context, p *columns.Part, f filter.Field) (*columns.Column, error) {
	c, err := p.Column(ctx, f)
	if errors.Is(err, columns.ErrNotHeld) {
		c, err = p.ScanColumn(ctx, f)
	}
	if errors.Is(err, columns.ErrNotHeld) {
		return nil, problem.Wrap(api.CodeAnswerTooLarge, fmt.Sprintf("on %s, %v has more than %d values, or values that are too large together; "+
			"ask for other days, or by another field",
			p.Key().Date(), f, columns.MaxValues), err)
	}
	return c, err
}
