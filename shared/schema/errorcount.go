package schema

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/template"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// The library retains each error with its path and its list of allowed values, and
// has no way to be stopped. An evaluation that could retain too many is therefore
// counted, and ended at a limit, through the only hooks that the library has: the
// text of each error, which is a template, and the functions of templates, both
// global. The template of an error knows the path of the error, so the data of a
// counted evaluation is put below a member whose name identifies the evaluation;
// others beside it are neither counted nor delayed. A function of a template
// cannot panic out of the library, because templates recover; it ends its
// goroutine instead, so a counted evaluation has one of its own.

const (
	// countMark starts the name that identifies a counted evaluation. It is not
	// UTF-8, so no member of an event has such a name.
	countMark = "\xfe"
	// pathRoot is the library's name for the root of a path.
	pathRoot = gojsonschema.STRING_ROOT_SCHEMA_PROPERTY + "."
	// uncountedText is the text of an error while no evaluation is counted; an
	// empty one would be parsed for every error.
	uncountedText = " "
	countedText   = "{{countError .context}}"
)

// errorCounts holds the evaluations that are counted at present.
var errorCounts struct {
	running atomic.Int64
	last    atomic.Uint64
	counts  sync.Map // of *errorCount by the name that identifies it
}

// errorCount is what one counted evaluation may still report. Its goroutine alone
// uses it.
type errorCount struct {
	left     int
	exceeded bool
}

// countErrors calls evaluate with the name of the member to put the data under, and
// returns errTooMany once the library has created more errors than limit, retained
// or not. It passes on a panic of evaluate.
func countErrors(limit int, evaluate func(member string) ([]event.Fault, error)) (faults []event.Fault, err error) {
	member := countMark + strconv.FormatUint(errorCounts.last.Add(1), 36)
	count := &errorCount{left: limit}
	errorCounts.counts.Store(member, count)
	errorCounts.running.Add(1)
	defer func() {
		errorCounts.running.Add(-1)
		errorCounts.counts.Delete(member)
	}()
	var panicked any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		faults, err = evaluate(member)
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	if count.exceeded {
		return nil, errTooMany
	}
	return faults, err
}

// countError counts an error by its path, and ends the goroutine at the limit. The
// library calls it in the goroutine that evaluates.
func countError(path string) string {
	member, _, _ := strings.Cut(strings.TrimPrefix(path, pathRoot), ".")
	if !strings.HasPrefix(member, countMark) {
		return ""
	}
	found, ok := errorCounts.counts.Load(member)
	if !ok {
		return ""
	}
	count := found.(*errorCount)
	if count.left--; count.left < 0 {
		count.exceeded = true
		runtime.Goexit()
	}
	return ""
}

func init() {
	// The library asks its global locale for the text of each error.
	gojsonschema.Locale = locale{}
	gojsonschema.ErrorTemplateFuncs = template.FuncMap{"countError": countError}
}

// locale gives the errors of the library no text, since describe writes the message
// of a fault and the texts of the library would quote data; its templates count.
type locale struct{ gojsonschema.DefaultLocale }

func (locale) reportError() string {
	if errorCounts.running.Load() == 0 {
		return uncountedText
	}
	return countedText
}

func (l locale) False() string                        { return l.reportError() }
func (l locale) Required() string                     { return l.reportError() }
func (l locale) InvalidType() string                  { return l.reportError() }
func (l locale) NumberAnyOf() string                  { return l.reportError() }
func (l locale) NumberOneOf() string                  { return l.reportError() }
func (l locale) NumberAllOf() string                  { return l.reportError() }
func (l locale) NumberNot() string                    { return l.reportError() }
func (l locale) MissingDependency() string            { return l.reportError() }
func (l locale) Internal() string                     { return l.reportError() }
func (l locale) Const() string                        { return l.reportError() }
func (l locale) Enum() string                         { return l.reportError() }
func (l locale) ArrayNoAdditionalItems() string       { return l.reportError() }
func (l locale) ArrayMinItems() string                { return l.reportError() }
func (l locale) ArrayMaxItems() string                { return l.reportError() }
func (l locale) Unique() string                       { return l.reportError() }
func (l locale) ArrayContains() string                { return l.reportError() }
func (l locale) ArrayMinProperties() string           { return l.reportError() }
func (l locale) ArrayMaxProperties() string           { return l.reportError() }
func (l locale) AdditionalPropertyNotAllowed() string { return l.reportError() }
func (l locale) InvalidPropertyPattern() string       { return l.reportError() }
func (l locale) InvalidPropertyName() string          { return l.reportError() }
func (l locale) StringGTE() string                    { return l.reportError() }
func (l locale) StringLTE() string                    { return l.reportError() }
func (l locale) DoesNotMatchPattern() string          { return l.reportError() }
func (l locale) DoesNotMatchFormat() string           { return l.reportError() }
func (l locale) MultipleOf() string                   { return l.reportError() }
func (l locale) NumberGTE() string                    { return l.reportError() }
func (l locale) NumberGT() string                     { return l.reportError() }
func (l locale) NumberLTE() string                    { return l.reportError() }
func (l locale) NumberLT() string                     { return l.reportError() }
func (l locale) ConditionThen() string                { return l.reportError() }
func (l locale) ConditionElse() string                { return l.reportError() }
