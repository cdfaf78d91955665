package queryapi_test

import (
	"net/http"
	"testing"
	"time"
)

// Every call, asked with every kind of credential.
func TestAccess(t *testing.T) {
	w := newWorld(t)
	at := time.Now()
	w.put("shop", at, anEvent("s1", aSession, "c", "n", "2026-01-01T00:00:00Z"), `{"event_id":"rs","session_id":1}`)
	w.put("blog", at, anEvent("b1", aSession, "c", "n", "2026-01-01T00:00:01Z"), `{"event_id":"rb","session_id":1}`)

	const ok, no, forbidden, gone = http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound
	credentials := []string{"", "wrong", writeKey, operator, analyst, shopOnly, nobody}
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
		"/v1/status":                                        {no, no, no, ok, forbidden, forbidden, forbidden},
		"/openapi.json":                                     {ok, ok, ok, ok, ok, ok, ok},
		"/healthz":                                          {ok, ok, ok, ok, ok, ok, ok},
		// What is wrong with a query is told to those who may query.
		"/v1/events?unknown=1": {no, no, no, 400, 400, 400, 400},
	} {
		for i, credential := range credentials {
			resp, body := w.do(http.MethodGet, credential, target)
			if resp.StatusCode != want[i] {
				t.Errorf("%s with %q: %d, want %d: %s", target, credential, resp.StatusCode, want[i], body)
			}
		}
	}
}

// What an answer holds is bounded by the token, not only whether there is one.
func TestAnalystSeesTheApplicationsOfTheToken(t *testing.T) {
	w := newWorld(t)
	at := time.Now()
	for _, app := range []string{"shop", "blog", "left"} { // left is in no registry any more
		w.put(app, at,
			anEvent(app+"-1", aSession, "c", "n", "2026-01-01T00:00:00Z"),
			anEvent("common", aSession, "c", "n", "2026-01-01T00:00:02Z"),
			`{"event_id":"`+app+`-r","session_id":1}`)
	}
	for token, want := range map[string]struct{ events, rejected, groups int }{
		operator: {6, 3, 15},
		analyst:  {6, 3, 15},
		shopOnly: {2, 1, 5},
		nobody:   {0, 0, 0},
	} {
		_, events := w.get(token, "/v1/events")
		_, byCategory := w.get(token, "/v1/events?category=c&session_id="+aSession)
		_, session := w.get(token, "/v1/sessions/"+aSession)
		_, rejected := w.get(token, "/v1/rejected")
		_, summary := w.get(token, "/v1/rejected/summary")
		if len(events.Events) != want.events || len(byCategory.Events) != want.events ||
			len(session.Events) != want.events || int(session.Count) != want.events ||
			len(rejected.Events) != want.rejected || len(summary.Groups) != want.groups {
			t.Errorf("%s sees %d, %d, %d, %d events, %d rejected, %d groups, want %+v", token, len(events.Events),
				len(byCategory.Events), len(session.Events), session.Count, len(rejected.Events), len(summary.Groups), want)
		}
	}
	// An id in several applications is one event only to who sees one of them.
	if status, got := w.get(shopOnly, "/v1/events/common"); status != http.StatusOK || got.Application != "shop" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := w.get(operator, "/v1/events/common"); status != http.StatusConflict || got.Code != "ambiguous_event" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := w.get(operator, "/v1/events/common?application=left"); status != http.StatusOK || got.Application != "left" {
		t.Errorf("%d %s", status, got.raw)
	}
	if _, got := w.get(shopOnly, "/v1/events?event_id=common"); len(got.Events) != 1 {
		t.Errorf("%s", got.raw)
	}
	if _, got := w.get(shopOnly, "/v1/rejected?event_id=blog-r"); len(got.Events) != 0 {
		t.Errorf("%s", got.raw)
	}
}

// Only one well-formed Authorization header counts.
func TestCredentialForms(t *testing.T) {
	w := newWorld(t)
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
		req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, w.base+c.target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Authorization"] = c.header
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%v %s: %d, want %d", c.header, c.target, resp.StatusCode, c.want)
		}
	}
}
