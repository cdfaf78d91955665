package daemon

import (
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// NewLogger logs to w: in colours where w is a terminal, otherwise one JSON
// object a line. Whatever a value contains, it cannot start a line of its own
// or move a terminal's cursor.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return slog.New(terminalHandler(w, level))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

func terminalHandler(w io.Writer, level slog.Level) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{Level: level, ReplaceAttr: tame})
}

// tame quotes text that a terminal would obey.
func tame(_ []string, a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	text := ""
	switch v.Kind() {
	case slog.KindString:
		text = v.String()
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			text = x.Error()
		case []string:
			text = strings.Join(x, "; ")
		default:
			return a
		}
	default:
		return a
	}
	if strings.ContainsFunc(text, unprintable) {
		text = strconv.Quote(text)
	}
	return slog.String(a.Key, text)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// logLevel reads EYE_LOG_LEVEL.
func logLevel(env *Env) slog.Level {
	text := env.String("EYE_LOG_LEVEL", "info")
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		env.Fault("EYE_LOG_LEVEL", strconv.Quote(text)+" is none of debug, info, warn, error")
	}
	return level
}
