package daemon

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// NewLogger logs to w: in colours where w is a terminal, otherwise one JSON
// object per line. No value can start a line or move a terminal's cursor.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return slog.New(terminalHandler(w, level))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

func terminalHandler(w io.Writer, level slog.Level) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{Level: level, ReplaceAttr: escapeAttr})
}

// escapeAttr makes the control characters of an attribute visible.
func escapeAttr(_ []string, a slog.Attr) slog.Attr {
	a.Key = visible(a.Key)
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, visible(v.String()))
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return slog.String(a.Key, visible(x.Error()))
		case []string:
			return slog.String(a.Key, visible(strings.Join(x, "; ")))
		}
	}
	return a
}

// visible replaces control characters by their pictures, and others that do
// not print by a dot. The handler turns the four characters \x1b into an
// escape, so they are one here.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case r < ' ':
			return '\u2400' + r
		case r == '\u007f':
			return '\u2421'
		}
		return '·'
	}, strings.ReplaceAll(text, `\x1b`, "\u241b"))
}
