package schema

// KeySupersedes is the keyword of the revisions that a schema supersedes. That
// they are of the same type, only the registry can tell.
const KeySupersedes = keySupersedes

// Hashes reports whether events of the schema have values that are hashed
// before they are kept: then the registry needs the key to hash them with.
func (s *Schema) Hashes() bool { return s != nil && s.marks.hashes() }

func (m *mark) hashes() bool {
	if m == nil {
		return false
	}
	if m.treatment == hash || m.elements.hashes() {
		return true
	}
	for _, inside := range m.members {
		if inside.hashes() {
			return true
		}
	}
	return false
}
