package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
)

// maxCandidates bounds the types that an unknown one is compared with.
const maxCandidates = 1000

// maxShown bounds a category or a name in a message, in bytes.
const maxShown = 80

// knownTypes are the types of a Set for comparison with unknown ones, sorted without
// regard to case. They are prepared when they are first needed.
type knownTypes struct {
	prepare sync.Once
	types   []Type
	words   event.Vocabulary
}

// compareFolded orders types without regard to case, then by compareTypes.
func compareFolded(a, b Type) int {
	return cmp.Or(strings.Compare(foldType(a), foldType(b)), compareTypes(a, b))
}

func foldType(t Type) string { return strings.ToLower(t.Category + "/" + t.Name) }

// nearest returns the known type that an unknown one is probably a misspelling of.
// Of more than maxCandidates types it compares the neighbours in their order.
func (k *knownTypes) nearest(s *Set, t Type) (Type, bool) {
	k.prepare.Do(func() {
		k.types = slices.SortedFunc(maps.Keys(s.types), compareFolded)
		words := make([]string, len(k.types))
		for i, known := range k.types {
			words[i] = known.Category + "/" + known.Name
		}
		k.words = event.NewVocabulary(words...)
	})
	from, _ := slices.BinarySearchFunc(k.types, t, compareFolded)
	from = max(0, min(from-maxCandidates/2, len(k.types)-maxCandidates))
	to := min(from+maxCandidates, len(k.types))
	i, _ := k.words[from:to].Nearest(t.Category + "/" + t.Name)
	if i < 0 {
		return Type{}, false
	}
	return k.types[from+i], true
}

// explainUnknown says that a type is not known, and which known type is nearest.
func (s *Set) explainUnknown(t Type) string {
	message := fmt.Sprintf("type %q / %q has no schema", shorten(t.Category), shorten(t.Name))
	if s.removed[t] != nil {
		return message + " any more; events that name one of its versions (schema_version) are validated by that"
	}
	near, ok := s.known.nearest(s, t)
	if !ok {
		return message
	}
	return fmt.Sprintf("%s; the nearest is %q / %q", message, near.Category, near.Name)
}

// shorten cuts a text that is too long for a message.
func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
