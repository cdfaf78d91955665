package schema

import "github.com/xeipuuv/gojsonschema"

func init() {
	// The library asks its one, global locale for the text of each error.
	gojsonschema.Locale = locale{}
}

// locale counts the errors of the library and gives them no text: describe
// makes one of what an error means, and the library's would hold data.
type locale struct{ gojsonschema.DefaultLocale }

func (locale) error() string {
	errorCount.note()
	return " " // a template; an empty one is parsed anew for every error
}

func (l locale) False() string                        { return l.error() }
func (l locale) Required() string                     { return l.error() }
func (l locale) InvalidType() string                  { return l.error() }
func (l locale) NumberAnyOf() string                  { return l.error() }
func (l locale) NumberOneOf() string                  { return l.error() }
func (l locale) NumberAllOf() string                  { return l.error() }
func (l locale) NumberNot() string                    { return l.error() }
func (l locale) MissingDependency() string            { return l.error() }
func (l locale) Internal() string                     { return l.error() }
func (l locale) Const() string                        { return l.error() }
func (l locale) Enum() string                         { return l.error() }
func (l locale) ArrayNoAdditionalItems() string       { return l.error() }
func (l locale) ArrayMinItems() string                { return l.error() }
func (l locale) ArrayMaxItems() string                { return l.error() }
func (l locale) Unique() string                       { return l.error() }
func (l locale) ArrayContains() string                { return l.error() }
func (l locale) ArrayMinProperties() string           { return l.error() }
func (l locale) ArrayMaxProperties() string           { return l.error() }
func (l locale) AdditionalPropertyNotAllowed() string { return l.error() }
func (l locale) InvalidPropertyPattern() string       { return l.error() }
func (l locale) InvalidPropertyName() string          { return l.error() }
func (l locale) StringGTE() string                    { return l.error() }
func (l locale) StringLTE() string                    { return l.error() }
func (l locale) DoesNotMatchPattern() string          { return l.error() }
func (l locale) DoesNotMatchFormat() string           { return l.error() }
func (l locale) MultipleOf() string                   { return l.error() }
func (l locale) NumberGTE() string                    { return l.error() }
func (l locale) NumberGT() string                     { return l.error() }
func (l locale) NumberLTE() string                    { return l.error() }
func (l locale) NumberLT() string                     { return l.error() }
func (l locale) ConditionThen() string                { return l.error() }
func (l locale) ConditionElse() string                { return l.error() }
