package schema

import "fmt"

// Annotation keywords that are checked: those of The Eye and examples. They do not
// constrain events.
const (
	keyExamples       = "examples"
	keyRejectExamples = extension + "reject-examples"
	keySupersedes     = extension + "supersedes"
	keyPII            = extension + "pii"
)

// checkAnnotation checks a keyword that does not constrain data.
func (c *checker) checkAnnotation(m Location, name string, v any) {
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
		c.checkPII(m, v)
	}
}

func exampleList(m Location, v any) []any {
	list, ok := v.([]any)
	if !ok {
		m.Faultf("must be an array of examples")
	}
	return list
}

// checkExamples records a fault for every example whose validity is not as
// declared. Only objects can be the data of an event.
func (c *checker) checkExamples(s *Schema) {
	const allowed = "is declared as valid and is not: "
	for i, e := range c.examples {
		m := c.at("").At(keyExamples).At(fmt.Sprint(i))
		data, ok := e.(map[string]any)
		if !ok {
			m.Faultf(allowed + "data is an object")
			continue
		}
		if faults := s.allFaults(data); len(faults) > 0 {
			m.Faultf(allowed+"%s: %s", faults[0].Path, faults[0].Message)
		}
	}
	for i, e := range c.rejectExamples {
		data, ok := e.(map[string]any)
		if ok && len(s.allFaults(data)) == 0 {
			c.at("").At(keyRejectExamples).At(fmt.Sprint(i)).Faultf("is declared as invalid and is valid")
		}
	}
}
