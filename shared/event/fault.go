package event

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFaultText bounds the path and the message of one fault, in bytes, so that
// one long one does not crowd out the others.
const maxFaultText = 512

// Pointer returns the JSON pointer (RFC 6901) of the given reference tokens;
// without any it is "", the event itself.
func Pointer(tokens ...string) string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteByte('/')
		for i := 0; i < len(token); i++ {
			switch token[i] {
			case '~':
				b.WriteString("~0")
			case '/':
				b.WriteString("~1")
			default:
				b.WriteByte(token[i])
			}
		}
	}
	return b.String()
}

// BoundFaults returns faults within MaxFaults and MaxFaultBytes: long paths and
// messages are cut at a character, and where some are left out the last one
// says how many, under the code of the first that is missing. Text is made
// valid UTF-8, so that every store takes it. The argument stays as it is, and
// what is bounded already comes back unchanged.
func BoundFaults(faults []Fault) []Fault {
	const note = 96 // bytes kept free for the note, its code included
	kept := make([]Fault, 0, min(len(faults), MaxFaults))
	size, room := 0, 0 // room: how many fit with a note after them
	for _, f := range faults {
		f.Path, f.Message = clip(f.Path), clip(f.Message)
		size += len(f.Code) + len(f.Path) + len(f.Message)
		if len(kept) == MaxFaults || size > MaxFaultBytes {
			break
		}
		kept = append(kept, f)
		if size <= MaxFaultBytes-note && len(kept) < MaxFaults {
			room = len(kept)
		}
	}
	if len(kept) == len(faults) {
		return kept
	}
	more := len(faults) - room
	return append(kept[:room], Fault{
		Code:    faults[room].Code,
		Message: strconv.Itoa(more) + " more faults are not listed",
	})
}

// clip returns s as valid UTF-8 of at most maxFaultText bytes.
func clip(s string) string {
	const ellipsis = "…"
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxFaultText {
		return s
	}
	n := maxFaultText - len(ellipsis)
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}
