package stream

import (
	"fmt"
	"net/url"
	"strings"
)

// Subjects matches every subject of the stream.
const Subjects = subjectRoot + ".>"

// Subject returns the subject of an event whose type the registry knows. If it
// would be longer than 512 bytes, it is that of unregistered types.
func Subject(application, category, name string) string {
	s := subjectRoot + "." + application + "." + Escape(category) + "." + Escape(name)
	if len(s) > maxSubjectBytes {
		return Unregistered(application)
	}
	return s
}

// Unregistered returns the subject of all other events of an application.
func Unregistered(application string) string {
	return subjectRoot + "." + application + "." + unregistered
}

// ApplicationSubjects returns the pattern of all subjects of one application.
func ApplicationSubjects(application string) string {
	return subjectRoot + "." + application + ".>"
}

const hexDigits = "0123456789ABCDEF"

// Escape returns a category or name as one token of a subject, a key of a bucket
// and the name of a file: letters, digits, '_' and '-' are kept, every other byte
// becomes '=' and two hexadecimal digits. Unescape reverses it.
func Escape(token string) string {
	n := 0
	for i := range len(token) {
		if !isPlain(token[i]) {
			n++
		}
	}
	if n == 0 {
		return token
	}
	var b strings.Builder
	b.Grow(len(token) + 2*n)
	for i := range len(token) {
		c := token[i]
		if isPlain(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('=')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// Unescape reverses Escape. It accepts only tokens in the form of Escape, so that
// one type has one token.
func Unescape(token string) (string, error) {
	b := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c != '=' {
			b = append(b, c)
			continue
		}
		if i+2 >= len(token) {
			return "", escapeError(token)
		}
		hi, lo := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
		if hi < 0 || lo < 0 {
			return "", escapeError(token)
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	if s := string(b); Escape(s) == token {
		return s, nil
	}
	return "", escapeError(token)
}

// escapeError returns an error that names the escaped form of what a token stands
// for: of a percent-encoded name, of one with other escapes, or of the token itself.
func escapeError(token string) error {
	name := token
	if decoded, err := url.PathUnescape(token); err == nil && strings.Contains(token, "%") {
		name = decoded
	} else if upper, err := url.PathUnescape(strings.ReplaceAll(token, "=", "%")); err == nil && !strings.Contains(token, "%") {
		name = upper
	}
	return fmt.Errorf("%q is not in the escaped form; write %q for the name %q", token, Escape(name), name)
}

// isPlain reports whether Escape keeps c.
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// SubjectsFor returns the patterns of the subjects with events of an application
// and a type; "" is any. An event whose type the registry did not know when it was
// received is among the unregistered ones, so the caller must filter by the decoded
// type.
func SubjectsFor(application, category, name string) []string {
	token := func(token string) string {
		if token == "" {
			return "*"
		}
		return Escape(token)
	}
	of := token(application)
	if category == "" && name == "" {
		return []string{subjectRoot + "." + of + ".>"}
	}
	others := subjectRoot + "." + of + "." + unregistered
	typed := subjectRoot + "." + of + "." + token(category) + "." + token(name)
	if len(typed) > maxSubjectBytes {
		return []string{others}
	}
	return []string{typed, others}
}
