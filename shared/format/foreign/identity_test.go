package foreign_test

import (
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign/foreigntest"
)

// Events that differ only in what their senders took for ids are different events: the
// later ones must not vanish as copies of the first.
func TestInvalidIDsTakePartInTheDerivedID(t *testing.T) {
	for name, c := range map[string]struct {
		format format.Format
		event  string
	}{
		"cloudevents":          {format.CloudEvents, `{"specversion":"1.0","id":ID,"source":"/a","type":"x.y","time":"2026-05-06T07:08:08Z"}`},
		"cloudevents, no time": {format.CloudEvents, `{"specversion":"1.0","id":ID,"source":"/a","type":"x.y"}`},
		"segment":              {format.Segment, `{"type":"page","messageId":ID,"anonymousId":"a","timestamp":"2026-05-06T07:08:08Z"}`},
		"snowplow":             {format.Snowplow, `{"e":"pv","eid":ID,"duid":"d","dtm":"1778051288000"}`},
	} {
		ids := map[string]string{}
		for _, id := range []string{`null`, `[1]`, `[2]`, `{"a":1}`, `true`, `"\ud800"`, `"\ud801"`} {
			e := foreigntest.Decode(t, c.format, strings.Replace(c.event, "ID", id, 1))
			if other, ok := ids[e.EventID]; ok {
				t.Errorf("%s: the ids %s and %s are one event", name, other, id)
			}
			ids[e.EventID] = id
			again := foreigntest.Decode(t, c.format, " "+strings.Replace(c.event, "ID", " "+id, 1))
			if again.EventID != e.EventID {
				t.Errorf("%s: an event with the id %s is another one when it is sent again", name, id)
			}
		}
	}
	const unsourced = `{"specversion":"1.0","id":ID,"type":"x.y","time":"2026-05-06T07:08:08Z"}`
	first := foreigntest.Decode(t, format.CloudEvents, strings.Replace(unsourced, "ID", `"1"`, 1))
	second := foreigntest.Decode(t, format.CloudEvents, strings.Replace(unsourced, "ID", `"2"`, 1))
	if first.EventID == second.EventID {
		t.Error("CloudEvents without a source are one event, whatever their ids are")
	}
}
