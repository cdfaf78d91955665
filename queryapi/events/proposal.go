package events

import (
	"context"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/schema/propose"
	"github.com/theeye/theeye/shared/store"
)

// ProposalQuery asks for a first schema of a type.
type ProposalQuery struct {
	Type schema.Type
	// Application is as in Query.
	Application string
	// From and To are compared with the timestamps of stored events, and with the received
	// times of rejected ones.
	From, To time.Time
	// CountFields counts the fields of all stored events that the rest selects. It is called
	// where not all of them are read.
	CountFields func(context.Context) (*api.FieldList, error)
}

// ProposeSchema returns a first schema of a type from a page of its newest stored events and,
// where it has no schema, one of the newest ones that were rejected for that. More stored
// events than a page holds widen the schema by the counts of all of them.
func (f *Finder) ProposeSchema(ctx context.Context, p access.Principal, q ProposalQuery) (*api.SchemaProposal, error) {
	answer := &api.SchemaProposal{Category: q.Type.Category, Name: q.Type.Name}
	answer.AsOf = api.TimeOf(time.Now())
	newest := Query{Application: q.Application, Events: query.Events{
		Filter:     query.Filter{Category: q.Type.Category, Name: q.Type.Name, From: q.From, To: q.To},
		Descending: true, Limit: query.MaxEvents,
	}}
	var seen propose.Observations
	// Documents are held a page at a time.
	addPage := func(find func(context.Context, access.Principal, Query) (Page, error)) (n int, all bool, err error) {
		page, err := find(ctx, p, newest)
		return addData(&seen, page.Documents), page.Next == nil, err
	}
	var allStored bool
	var err error
	if answer.Stored, allStored, err = addPage(f.Events); err != nil {
		return nil, err
	}
	hasSchema := f.registry.Snapshot().Schemas.Schema(q.Type) != nil
	if !hasSchema {
		newest.Code = event.CodeUnknownType
		if answer.Rejected, _, err = addPage(f.Rejected); err != nil {
			return nil, err
		}
	}
	if answer.Stored+answer.Rejected == 0 {
		return nil, noEvents(hasSchema)
	}
	if !allStored {
		fields, err := q.CountFields(ctx)
		if err != nil {
			return nil, err
		}
		seen.Widen(fields)
		answer.Counted, answer.AsOf = fields.Events, fields.AsOf
	}
	answer.Schema, answer.Truncated = seen.Propose(q.Type.Category + ": " + q.Type.Name)
	return answer, nil
}

// addData adds the data of documents, and returns how many have data.
func addData(seen *propose.Observations, docs []*store.Document) (n int) {
	for _, d := range docs {
		if d.Data == nil {
			continue
		}
		// As the validator reads it.
		read, refusal := native.Decode(append(append([]byte(`{"data":`), d.Data...), '}'))
		if refusal != nil {
			continue
		}
		seen.AddData(read.Tree)
		n++
	}
	return n
}

func noEvents(hasSchema bool) *problem.Error {
	const earlier = "; give a parameter from that is earlier than the first one, or send events of the type"
	if hasSchema {
		return problem.New(api.CodeNoEvents, "no stored event of the type lies in the range, and rejected ones are not read since the type has a schema"+earlier)
	}
	return problem.New(api.CodeNoEvents, "no event of the type lies in the range, neither a stored one nor one that was rejected as "+event.CodeUnknownType+earlier)
}
