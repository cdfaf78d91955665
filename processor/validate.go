package processor

import (
	"context"
	"log/slog"
	"time"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// validator decodes and validates messages.
type validator struct {
	// rules returns the registry's present rules, for the next batch.
	rules    func() outcome.Rules
	epoch    func() int64
	overruns *overruns
	metrics  *metrics
	log      *slog.Logger
}

// evaluateAll decodes and validates messages against one registry revision. It leaves
// out the documents of messages that take more work than is left of the allowance.
func (v *validator) evaluateAll(
	ctx context.Context, messages []delivery, rules outcome.Rules, allowance schema.Work,
) []*store.Document {
	begin := time.Now()
	docs := make([]*store.Document, len(messages))
	for i := range messages {
		var work schema.Work
		docs[i], work = v.evaluateWithin(ctx, messages[i].Raw, rules, allowance)
		if docs[i] != nil && work > schema.NegligibleWork {
			allowance -= work
		}
	}
	v.overruns.observe(ctx, messages, time.Since(begin))
	return docs
}

// evaluate returns the document of one message.
func (v *validator) evaluate(ctx context.Context, m stream.Raw, rules outcome.Rules) *store.Document {
	d, _ := v.evaluateWithin(ctx, m, rules, schema.MaxWork)
	return d
}

// evaluateWithin returns the document of a message that takes no more work than
// limit, else nil. A panic of the validator is logged and rejects this message alone.
func (v *validator) evaluateWithin(
	ctx context.Context, m stream.Raw, rules outcome.Rules, limit schema.Work,
) (*store.Document, schema.Work) {
	d, work, failed := outcome.EvaluateWithin(m, rules, v.epoch(), limit)
	if failed != nil {
		v.metrics.panics.Inc()
		v.log.LogAttrs(ctx, slog.LevelError, "the validator panicked on a message",
			slog.Uint64("seq", m.Seq), slog.String("stack", string(failed.Stack)))
	}
	return d, work
}
