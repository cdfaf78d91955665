package schema

import "fmt"

// The keywords that are The Eye's own and are checked, and examples, which is
// where both meet. They judge no event.
const (
	keyExamples       = "examples"
	keyRejectExamples = extension + "reject-examples"
	keySupersedes     = extension + "supersedes"
	keyPII            = extension + "pii"
)

// own checks a keyword that judges nothing.
func (c *checker) own(m Members, name string, v any) {
	root := m.Path == ""
	m = m.At(name)
	switch name {
	case keyExamples:
		if root {
			c.examples = exampleList(m, v)
		}
	case keyRejectExamples, keySupersedes:
		if !root {
			m.Faultf("may stand at the root only")
			return
		}
		if name == keySupersedes {
			c.supersedes = revisions(m, v)
			return
		}
		c.rejectExamples = exampleList(m, v)
	case keyPII:
		c.pii(m, v)
	}
}

func exampleList(m Members, v any) []any {
	list, ok := v.([]any)
	if !ok {
		m.Faultf("wants an array of examples")
	}
	return list
}

// judgeExamples notes a fault for every example that is not judged as it is
// declared. What is no object is never an event's data.
func (c *checker) judgeExamples(s *Schema) {
	const allowed = "is declared as valid and is not: "
	for i, e := range c.examples {
		m := c.place("").At(keyExamples).At(fmt.Sprint(i))
		data, ok := e.(map[string]any)
		if !ok {
			m.Faultf(allowed + "data is an object")
			continue
		}
		if faults := s.violations(data); len(faults) > 0 {
			m.Faultf(allowed+"%s: %s", faults[0].Path, faults[0].Message)
		}
	}
	for i, e := range c.rejectExamples {
		data, ok := e.(map[string]any)
		if ok && len(s.violations(data)) == 0 {
			c.place("").At(keyRejectExamples).At(fmt.Sprint(i)).Faultf("is declared as invalid and is valid")
		}
	}
}
