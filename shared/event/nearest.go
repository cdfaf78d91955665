package event

import (
	"strings"
	"unicode"
)

// maxNearest bounds the words that Nearest compares, in bytes.
const maxNearest = 100

// Vocabulary is a list of words that others may be misspellings of. A slice of it is
// one, too.
type Vocabulary []vocable

// vocable is a word of a vocabulary, and the runes that are compared.
type vocable struct {
	word   string
	folded []rune
}

// NewVocabulary returns the vocabulary of words, in their order.
func NewVocabulary(words ...string) Vocabulary {
	v := make(Vocabulary, len(words))
	for i, w := range words {
		v[i] = vocable{w, foldWord(w)}
	}
	return v
}

// Nearest returns the index of the word that another one is probably a misspelling
// of, and the word; -1 and "" when there is no such word. One character may differ,
// of longer words up to three. Case, spaces, hyphens and underscores do not count.
// Of equally near words it returns the first. The work is bounded by the length of
// the vocabulary.
func (v Vocabulary) Nearest(word string) (index int, nearest string) {
	folded := foldWord(word)
	if len(folded) == 0 {
		return -1, ""
	}
	index = -1
	limit := min(1+len(folded)/6, 3)
	for i := range v {
		if d := editDistance(folded, v[i].folded, limit); d <= limit {
			if index, limit = i, d-1; d == 0 {
				break
			}
		}
	}
	if index < 0 {
		return -1, ""
	}
	return index, v[index].word
}

// foldWord returns the runes that Nearest compares, none for a long word.
func foldWord(s string) []rune {
	if len(s) > maxNearest {
		return nil
	}
	folded := make([]rune, 0, len(s))
	for _, r := range s {
		if !strings.ContainsRune("_-. ", r) {
			folded = append(folded, unicode.ToLower(r))
		}
	}
	return folded
}

// editDistance returns how many insertions, deletions, replacements and exchanges
// of neighbours make a of b, or limit+1 if it is more than limit.
func editDistance(a, b []rune, limit int) int {
	if len(b) == 0 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var buffer [3][maxNearest + 1]int
	before, last, row := buffer[0][:len(b)+1], buffer[1][:len(b)+1], buffer[2][:len(b)+1]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
