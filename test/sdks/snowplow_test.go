package sdks

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/snowplow/snowplow-golang-tracker/v3/pkg/common"
	"github.com/snowplow/snowplow-golang-tracker/v3/pkg/storage/memory"
	snowplow "github.com/snowplow/snowplow-golang-tracker/v3/tracker"

	"github.com/theeye/theeye/test/harness"
)

// vendor is the category of the events that the protocol defines.
const vendor = "com.snowplowanalytics.snowplow"

// snowplowCalls are sent by POST, with a key that the site gives, and by GET, with the key as
// application id.
var snowplowCalls = []call{
	{vendor, "page_view", map[string]string{"uid": "MARK", "url": "http://www.example.com/post", "aid": "shop", "contexts": "[map[data:map[name:pro] schema:iglu:com.acme/plan/jsonschema/1-0-0]]"}},
	{vendor, "page_view", map[string]string{"uid": "MARK", "url": "http://www.example.com/get", "aid": "<nil>", "contexts": "[map[data:map[name:pro] schema:iglu:com.acme/plan/jsonschema/1-0-0]]"}},
	{"cart", "added post", map[string]string{"uid": "MARK", "se_la": "l", "se_va": "2.5", "sid": "<nil>"}},
	{"cart", "added get", map[string]string{"uid": "MARK", "se_la": "l", "se_va": "2.5", "sid": "<nil>"}},
	{"com.acme", "booking", map[string]string{"uid": "MARK", "sid": "a session", "unstruct_event.data.to": "Ä", "unstruct_event.data.method": "post"}},
	{"com.acme", "booking", map[string]string{"uid": "MARK", "sid": "a session", "unstruct_event.data.price": "19.5", "unstruct_event.data.method": "get"}},
}

// The SDK keeps the events of requests that failed, and sends them with the next event or
// by a flush. It needs a client of its own: that which it makes without one is a copy of the
// default transport with its maps, which both write.
var snowplowGo = sdk{
	name: "snowplow-golang-tracker", translate: fromSnowplow, calls: snowplowCalls,
	start: func(t *testing.T, address string) site {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{}}
		t.Cleanup(client.CloseIdleConnections)
		host := strings.TrimPrefix(address, "http://")
		newTracker := func(method, collector, appID string, encode bool) *snowplow.Tracker {
			return snowplow.InitTracker(
				snowplow.RequireEmitter(snowplow.InitEmitter(snowplow.RequireCollectorUri(collector), snowplow.RequireStorage(*memory.Init()), snowplow.OptionRequestType(method), snowplow.OptionHttpClient(client))),
				snowplow.OptionAppId(appID), snowplow.OptionNamespace("ns"), snowplow.OptionBase64Encode(encode))
		}
		trackers := map[string]*snowplow.Tracker{
			"post": newTracker("POST", harness.WriteKey+"@"+host, "shop", true),
			"get":  newTracker("GET", host, harness.WriteKey, false),
		}
		return sendFunc(func(_ context.Context, mark string) error {
			for method, tracker := range trackers {
				trackAll(tracker, method, mark)
			}
			for _, tracker := range trackers {
				const attempts, pause = int(patience / time.Millisecond), 20
				if left := tracker.BlockingFlush(attempts/pause, pause); left > 0 {
					return errors.New(fmt.Sprint(left, " events are left"))
				}
			}
			return nil
		})
	},
}

func trackAll(tracker *snowplow.Tracker, method, mark string) {
	subject := func(session string) *snowplow.Subject {
		s := snowplow.InitSubject()
		s.SetUserId(mark)
		s.SetDomainUserId("d")
		if session != "" {
			s.SetDomainSessionId(session)
		}
		return s
	}
	text, millis := common.NewString, common.NewInt64(at.UnixMilli())
	plan := *snowplow.InitSelfDescribingJson("iglu:com.acme/plan/jsonschema/1-0-0", map[string]any{"name": "pro"})
	booking := snowplow.InitSelfDescribingJson("iglu:com.acme/booking/jsonschema/1-0-0", map[string]any{"price": 19.5, "to": "Ä", "method": method})
	tracker.TrackPageView(snowplow.PageViewEvent{
		PageUrl: text("http://www.example.com/" + method), PageTitle: text("t"), TrueTimestamp: millis,
		Contexts: []snowplow.SelfDescribingJson{plan}, Subject: subject(""),
	})
	tracker.TrackStructEvent(snowplow.StructuredEvent{
		Category: text("cart"), Action: text("added " + method), Label: text("l"), Value: common.NewFloat64(2.5),
		Subject: subject("e2085be5-9137-4e4e-80b5-f1ffddc25423"),
	})
	tracker.TrackSelfDescribingEvent(snowplow.SelfDescribingEvent{Event: booking, Subject: subject("a session")})
}

// fromSnowplow returns the documents of a request of the tracker protocol.
func fromSnowplow(r request, mark string) ([]document, error) {
	var events []object
	if len(r.body) > 0 {
		var body struct{ Data []object }
		if err := decode(r.body, &body); err != nil {
			return nil, err
		}
		events = body.Data
	} else {
		e := object{}
		for name := range r.query {
			e[name] = r.query.Get(name)
		}
		events = append(events, e)
	}
	var all []document
	for _, e := range events {
		if e["uid"] != mark {
			continue // of another round
		}
		d, err := snowplowDocument(e)
		if err != nil {
			return nil, fmt.Errorf("%w in %v", err, e)
		}
		all = append(all, d)
	}
	return all, nil
}

func snowplowDocument(e object) (document, error) {
	data := maps.Clone(e)
	d := document{Status: "stored", EventID: text(e, "eid"), Category: vendor}
	delete(data, "eid")
	delete(data, "stm")
	stamp := "ttm"
	if text(e, stamp) == "" {
		stamp = "dtm"
	}
	millis, err := strconv.ParseInt(text(e, stamp), 10, 64)
	if err != nil {
		return d, err
	}
	d.Timestamp = time.UnixMilli(millis).UTC()
	delete(data, stamp)
	switch session := text(e, "sid"); {
	case session == "":
		d.SessionID = derivedID(sessionNamespace, "duid", text(e, "duid"))
	case uuid.Validate(session) != nil:
		d.SessionID = derivedID(sessionNamespace, "duid", text(e, "duid"), session)
	default:
		d.SessionID = session
		delete(data, "sid")
	}
	if text(e, "aid") == harness.WriteKey {
		delete(data, "aid")
	}
	for name, member := range map[string]string{"ue_pr": "unstruct_event", "ue_px": "unstruct_event", "co": "contexts", "cx": "contexts"} {
		if text(e, name) == "" {
			continue
		}
		delete(data, name)
		if data[member], err = readJSON(text(e, name), strings.HasSuffix(name, "x")); err != nil {
			return d, err
		}
	}
	switch text(e, "e") {
	case "pv":
		d.Name = "page_view"
	case "se":
		d.Category, d.Name = text(e, "se_ca"), text(e, "se_ac")
		delete(data, "se_ca")
		delete(data, "se_ac")
		value, err := strconv.ParseFloat(text(e, "se_va"), 64)
		if err != nil {
			return d, err
		}
		data["se_va"] = json.Number(strconv.FormatFloat(value, 'f', -1, 64)) // without the zeros at its end
	case "ue":
		described, _ := data["unstruct_event"].(object)
		parts := strings.Split(strings.TrimPrefix(text(described, "schema"), "iglu:"), "/")
		d.Category, d.Name = parts[0], parts[1]
	default:
		return d, errors.New("an event of an unknown kind")
	}
	d.Data = data
	return d, nil
}

// readJSON returns the data of a self-describing text, which may be in base64.
func readJSON(value string, encoded bool) (any, error) {
	document := []byte(value)
	if encoded {
		var err error
		if document, err = base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(value, "="))); err != nil {
			return nil, err
		}
	}
	var o object
	err := decode(document, &o)
	return o["data"], err
}
