package queryapi_test

import (
	"net/http"
	"testing"
	"time"
)

// Every call, with every kind of credential.
func TestEveryCallChecksItsCredential(t *testing.T) {
	fx := newFixture(t)
	at := time.Now()
	fx.putEvents("shop", at, anEvent("s1", aSession, "c", "n", "2026-01-01T00:00:00Z"), `{"event_id":"rs","session_id":1}`)
	fx.putEvents("blog", at, anEvent("b1", aSession, "c", "n", "2026-01-01T00:00:01Z"), `{"event_id":"rb","session_id":1}`)

	const ok, no, forbidden, gone = http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound
	credentials := []string{"", "wrong", writeKey, operator, analyst, shopOnly, noApplication}
	for target, want := range map[string][7]int{
		"/v1/events":                                        {no, no, no, ok, ok, ok, ok},
		"/v1/events?application=shop":                       {no, no, no, ok, ok, ok, forbidden},
		"/v1/events?application=blog":                       {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/events?application=unknown":                    {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/events/s1":                                     {no, no, no, ok, ok, ok, gone},
		"/v1/events/b1":                                     {no, no, no, ok, ok, gone, gone},
		"/v1/events/unknown":                                {no, no, no, gone, gone, gone, gone},
		"/v1/events/b1?application=blog":                    {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/events/b1?application=shop":                    {no, no, no, gone, gone, gone, forbidden},
		"/v1/events/s1/trace":                               {no, no, no, ok, ok, ok, gone},
		"/v1/events/b1/trace":                               {no, no, no, ok, ok, gone, gone},
		"/v1/events/unknown/trace":                          {no, no, no, gone, gone, gone, gone},
		"/v1/events/b1/trace?application=blog":              {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/events/b1/trace?application=shop":              {no, no, no, gone, gone, gone, forbidden},
		"/v1/sessions/" + aSession:                          {no, no, no, ok, ok, ok, gone},
		"/v1/sessions/" + aSession + "?application=blog":    {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/sessions/" + aSession + "?application=unknown": {no, no, no, gone, gone, forbidden, forbidden},
		"/v1/rejected":                                      {no, no, no, ok, ok, ok, ok},
		"/v1/rejected?application=blog":                     {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/rejected/summary":                              {no, no, no, ok, ok, ok, ok},
		"/v1/rejected/summary?application=blog":             {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/types":                                         {no, no, no, ok, ok, ok, ok},
		"/v1/types?application=shop":                        {no, no, no, ok, ok, ok, forbidden},
		"/v1/types?application=blog":                        {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/types?application=unknown":                     {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/export":                                        {no, no, no, ok, ok, ok, ok},
		"/v1/export?application=shop":                       {no, no, no, ok, ok, ok, forbidden},
		"/v1/export?application=blog&format=csv":            {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/export?application=unknown&format=parquet":     {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/fields":                                        {no, no, no, ok, ok, ok, ok},
		"/v1/fields?application=shop":                       {no, no, no, ok, ok, ok, forbidden},
		"/v1/fields?application=blog":                       {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/stats/timeseries":                              {no, no, no, ok, ok, ok, ok},
		"/v1/stats/timeseries?application=shop":             {no, no, no, ok, ok, ok, forbidden},
		"/v1/stats/timeseries?application=blog":             {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/stats/timeseries?application=unknown":          {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/stats/timeseries?tz=Nowhere":                   {no, no, no, 400, 400, 400, 400},
		"/v1/stats/top?field=type":                          {no, no, no, ok, ok, ok, ok},
		"/v1/stats/top?field=type&application=blog":         {no, no, no, ok, ok, forbidden, forbidden},
		"/v1/status":                                        {no, no, no, ok, forbidden, forbidden, forbidden},
		"/v1/token":                                         {no, no, no, ok, ok, ok, ok},
		"/v1/token?application=shop":                        {no, no, no, 400, 400, 400, 400},
		"/openapi.json":                                     {ok, ok, ok, ok, ok, ok, ok},
		"/healthz":                                          {ok, ok, ok, ok, ok, ok, ok},
		// The faults of a query are shown to principals who may query.
		"/v1/events?unknown=1": {no, no, no, 400, 400, 400, 400},
	} {
		for i, credential := range credentials {
			resp, body := fx.do(http.MethodGet, credential, target)
			if resp.StatusCode != want[i] {
				t.Errorf("%s with %q: %d, want %d: %s", target, credential, resp.StatusCode, want[i], body)
			}
		}
	}
}

// A token limits the content of an answer, not only who gets one.
func TestAnalystReadsTheApplicationsOfTheToken(t *testing.T) {
	fx := newFixture(t)
	at := time.Now()
	for _, app := range []string{"shop", "blog", "left"} { // left is in no registry any more
		fx.putEvents(app, at,
			anEvent(app+"-1", aSession, "c", "n", "2026-01-01T00:00:00Z"),
			anEvent("common", aSession, "c", "n", "2026-01-01T00:00:02Z"),
			`{"event_id":"`+app+`-r","session_id":1}`)
	}
	fx.awaitColumns()
	for token, want := range map[string]struct{ events, rejected, groups int }{
		operator:      {6, 3, 15},
		analyst:       {6, 3, 15},
		shopOnly:      {2, 1, 5},
		noApplication: {0, 0, 0},
	} {
		_, events := fx.get(token, "/v1/events")
		_, byCategory := fx.get(token, "/v1/events?category=c&session_id="+aSession)
		_, session := fx.get(token, "/v1/sessions/"+aSession)
		_, rejected := fx.get(token, "/v1/rejected")
		_, summary := fx.get(token, "/v1/rejected/summary")
		if len(events.Events) != want.events || len(byCategory.Events) != want.events ||
			len(session.Events) != want.events || int(session.Count) != want.events ||
			len(rejected.Events) != want.rejected || len(summary.Groups) != want.groups {
			t.Errorf("%s sees %d, %d, %d, %d events, %d rejected, %d groups, want %+v", token, len(events.Events),
				len(byCategory.Events), len(session.Events), session.Count, len(rejected.Events), len(summary.Groups), want)
		}
	}
	for token, want := range map[string]string{
		operator: `{"blog":2,"left":2,"shop":2}`, analyst: `{"blog":2,"left":2,"shop":2}`, shopOnly: `{"shop":2}`, noApplication: `{}`,
	} {
		if got := fx.countApplications(token); got != want {
			t.Errorf("%s counts %s, want %s", token, got, want)
		}
	}
	// An id of several applications is one event to a token that reads one of them.
	if status, got := fx.get(shopOnly, "/v1/events/common"); status != http.StatusOK || got.Application != "shop" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := fx.get(operator, "/v1/events/common"); status != http.StatusConflict || got.Code != "ambiguous_event" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := fx.get(operator, "/v1/events/common?application=left"); status != http.StatusOK || got.Application != "left" {
		t.Errorf("%d %s", status, got.raw)
	}
	if _, got := fx.get(shopOnly, "/v1/events?event_id=common"); len(got.Events) != 1 {
		t.Errorf("%s", got.raw)
	}
	if _, got := fx.get(shopOnly, "/v1/rejected?event_id=blog-r"); len(got.Events) != 0 {
		t.Errorf("%s", got.raw)
	}
}

// Exactly one well-formed Authorization header is accepted.
func TestAcceptsOneBearerToken(t *testing.T) {
	fx := newFixture(t)
	for _, c := range []struct {
		header []string
		target string
		want   int
	}{
		{[]string{"Bearer " + operator}, "/v1/events", http.StatusOK},
		{[]string{"bearer  " + operator}, "/v1/events", http.StatusOK},
		{[]string{operator}, "/v1/events", http.StatusUnauthorized},
		{[]string{"Basic " + operator}, "/v1/events", http.StatusUnauthorized},
		{[]string{"Bearer"}, "/v1/events", http.StatusUnauthorized},
		{[]string{"Bearer "}, "/v1/events", http.StatusUnauthorized},
		{[]string{"Bearer " + operator + "x"}, "/v1/events", http.StatusUnauthorized},
		{[]string{"Bearer " + operator, "Bearer " + operator}, "/v1/events", http.StatusUnauthorized},
		{nil, "/v1/events?token=" + operator, http.StatusUnauthorized},
		{nil, "/v1/events?write_key=" + writeKey, http.StatusUnauthorized},
	} {
		req, err := http.NewRequestWithContext(fx.ctx(), http.MethodGet, fx.base+c.target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Authorization"] = c.header
		resp, err := fx.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%v %s: %d, want %d", c.header, c.target, resp.StatusCode, c.want)
		}
	}
}
