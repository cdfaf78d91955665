package analytics

import (
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
)

// tooLarge reports a question that is over a bound.
func tooLarge(detail string) error { return problem.New(api.CodeAnswerTooLarge, detail) }
