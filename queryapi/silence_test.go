package queryapi_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
)

// hourly writes an event of an application for each hour in [from, to) before now.
func (fx *fixture) hourly(application string, now time.Time, from, to int) {
	fx.t.Helper()
	for hours := from; hours > to; hours-- {
		at := now.Add(-time.Duration(hours) * time.Hour)
		fx.putEvents(application, at, anEvent(fmt.Sprintf("%s-%d", application, hours), aSession, "page interaction", "pageview", "2026-01-01T00:00:00Z"))
	}
}

// silent returns the applications that fell silent once that is known.
func (fx *fixture) silent() []api.SilentApplication {
	fx.t.Helper()
	var st api.Status
	eventually(fx.t, "silent applications are known", func() bool {
		_, body := fx.do("GET", operator, "/v1/status")
		st = api.Status{}
		if err := json.Unmarshal([]byte(body), &st); err != nil {
			fx.t.Fatal(err)
		}
		return st.SilentApplications != nil && !st.Columns.AsOf.Before(fx.written) && st.Columns.StaleDays == 0
	})
	return st.SilentApplications
}

// The status names the applications that sent each hour, and have not for five hours. One
// that sends, one that never sent regularly and one that the registry does not have are
// not among them.
func TestStatusNamesSilentApplications(t *testing.T) {
	fx := newFixture(t)
	if got := fx.silent(); len(got) != 0 {
		t.Errorf("without events %+v are silent", got)
	}
	now := time.Now().Truncate(time.Second)
	fx.hourly("shop", now, 80, 4) // the last one five hours ago
	fx.hourly("blog", now, 10, 4)
	fx.hourly("unregistered", now, 80, 4)
	got := fx.silent()
	if len(got) != 1 || got[0].SilentSeconds < (5*time.Hour).Seconds() || got[0].SilentSeconds > (5*time.Hour+time.Minute).Seconds() {
		t.Fatalf("%+v", got)
	}
	got[0].SilentSeconds = 0
	want := api.SilentApplication{Application: "shop", LastReceivedAt: api.TimeOf(now.Add(-5 * time.Hour)), LongestPauseSeconds: 3600}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	fx.hourly("shop", now, 1, 0)
	if got := fx.silent(); len(got) != 0 {
		t.Errorf("after an event %+v are silent", got)
	}
}
