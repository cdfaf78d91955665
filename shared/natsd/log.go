package natsd

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// serverLog passes on what the server logs. The server writes its notices for
// people at a terminal; they are details here.
type serverLog struct {
	log *slog.Logger
	// failed is told what reads like a write error. Healthz shows most of them
	// too, but not those of files that no stream is asked about.
	failed func(what string)
	// fatal is told why the server could not start.
	fatal func(why string)
}

// writeErrors are the words with which the server says that it will not write
// any more.
var writeErrors = []string{"critical write error", "will be disabled", "disabling jetstream"}

func (l *serverLog) Noticef(format string, v ...any) { l.print(slog.LevelDebug, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.print(slog.LevelDebug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.print(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.judge(l.print(slog.LevelWarn, format, v)) }
func (l *serverLog) Errorf(format string, v ...any)  { l.judge(l.print(slog.LevelError, format, v)) }

// Fatalf is the server giving up its start. It does not end the process.
func (l *serverLog) Fatalf(format string, v ...any) { l.fatal(l.print(slog.LevelError, format, v)) }

func (l *serverLog) judge(text string) {
	lower := strings.ToLower(text)
	for _, words := range writeErrors {
		if strings.Contains(lower, words) {
			l.failed(text)
			return
		}
	}
}

func (l *serverLog) print(level slog.Level, format string, v []any) string {
	text := fmt.Sprintf(format, v...)
	l.log.Log(context.Background(), level, "NATS server", slog.String("says", text))
	return text
}
