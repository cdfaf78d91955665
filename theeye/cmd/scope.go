package cmd

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

// scopeFlags select the events of statistics.
type scopeFlags struct {
	filterFlags
	periodFlags
	TZ string `name:"tz" env:"EYE_TZ" placeholder:"ZONE" help:"IANA zone of days, weeks and months, such as Europe/Berlin; that of this machine on a terminal, else UTC."`
}

// scopeQuery returns the query parameters of the flags.
func (f scopeFlags) scopeQuery(p *output.Printer) (url.Values, error) {
	q := f.filterQuery()
	setParameter(q, "tz", f.zone(p))
	return q, f.addPeriod(p, q)
}

// zone returns the zone of days.
func (f scopeFlags) zone(p *output.Printer) string {
	if f.TZ != "" || p.Zone == nil {
		return f.TZ
	}
	return localZoneName()
}

// localZoneName returns the IANA name of the zone of this machine, "" where it is not
// known: time.Local has none.
func localZoneName() string {
	name, set := os.LookupEnv("TZ")
	if !set {
		target, err := filepath.EvalSymlinks("/etc/localtime")
		if err != nil {
			return ""
		}
		_, name, _ = strings.Cut(filepath.ToSlash(target), "/zoneinfo/")
	}
	if _, err := time.LoadLocation(name); err != nil {
		return ""
	}
	return strings.TrimPrefix(name, "posix/")
}

// remarkRange says on a terminal which range a statistic covers.
func remarkRange(p *output.Printer, r api.StatsRange) {
	if !p.Chart() {
		return
	}
	p.Remarkf("From %s to %s, days of %s.", p.Time(r.From.Time), p.Time(r.To.Time), r.TZ)
}
