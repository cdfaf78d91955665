package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// hostileEvents is the table of hostile bodies and events.
// Each call returns new ids, for one pipeline.
func hostileEvents() []hostile {
	return slices.Concat(
		bodyRows(), lineRows(), textRows(), keyRows(), boundRows(), numberRows(), memberRows(), timeRows(), judgedRows(),
	)
}

const mib = 1 << 20

func bodyRows() []hostile {
	e := native(newID())
	rows := []hostile{
		refusedBody("empty body", "", 400, "empty_body"),
		refusedBody("blank body", " \r\n\t ", 400, "empty_body"),
		refusedBody("empty array", "[]", 400, "empty_batch"),
		refusedBody("empty wrapper", `{"events": []}`, 400, "empty_batch"),
		refusedBody("1,001 events", batch(slices.Repeat([]string{`{}`}, 1001)...), 413, "too_many_events"),
		refusedBody("1,001 lines", strings.Repeat("{}\n", 1001), 413, "too_many_events"),
		refusedBody("body over 8 MiB", "["+strings.Repeat(" ", 8*mib)+"]", 413, "body_too_large"),
		refusedBody("garbage after it", e+" garbage", 400, "invalid_json"),
		refusedBody("two on one line", e+e, 400, "invalid_json"),
		refusedBody("truncated", e[:len(e)-1], 400, "invalid_json"),
		refusedBody("truncated array", "["+e+",", 400, "invalid_json"),
		refusedBody("line comment", "// hello\n"+e, 400, "invalid_json"),
		refusedBody("block comment", "["+e+"/* hello */]", 400, "invalid_json"),
		refusedBody("trailing comma in an array", "["+e+",]", 400, "invalid_json"),
		refusedBody("trailing comma in an object", e[:len(e)-1]+",}", 400, "invalid_json"),
		refusedBody("a megabyte of [", strings.Repeat("[", mib), 400, "invalid_json"),
		one("byte order mark", "\xef\xbb\xbf"+native(newID()), end{data: `{"v":1}`}),
		refusedBody("events wrapped in a batch", `{"batch":[`+e+`]}`, 400, "not_an_event"),
		refusedBody("event wrapped in text", `{"events":`+quote("["+e+"]")+`}`, 400, "not_an_event"),
		refusedBody("UTF-16 with a mark", "\xff\xfe"+utf16(e), 400, "invalid_json"),
		refusedBody("UTF-16 without a mark", utf16(e), 400, "invalid_json"),
		refusedBody("two keys", e, 400, "several_keys", header("X-Write-Key", otherKey)),
	}
	for _, value := range []string{"null", "1", `"x"`, "true"} {
		rows = append(rows, refusedBody(value, value, 400, "not_events"))
	}
	for _, number := range []string{"NaN", "01", "+1", "-", ".5", "1.", "0x10", "Infinity", "1_000"} {
		rows = append(rows, refusedBody("number "+number, nativeData(newID(), `{"v":`+number+`}`), 400, "invalid_json"))
	}
	return append(rows,
		refusedEvent("a string in an array", `"x"`, "not_object"),
		refusedEvent("null in an array", `null`, "not_object"),
		refusedEvent("an array in an array", batch(native(newID())), "not_object"),
		refusedAlone("nested array alone", "[["+e+"]]", "not_object"),
	)
}

func lineRows() []hostile {
	id := newID()
	a, b := native(newID()), native(id)
	return []hostile{
		{
			name: "blank lines and CRLF", body: "\r\n" + a + "\r\n\r\n  \r\n" + b, status: 202,
			results: []string{accepted, accepted}, ends: []end{{}, {id: id}},
		},
		{
			name: "broken lines among others", body: a + "\n{\"a\":\n" + b + "\nnull\n", status: 202,
			results: []string{accepted, "invalid_json", accepted, "not_object"}, ends: []end{{}, {id: id}},
		},
		{
			name: "broken first line, said to be NDJSON", body: "{{\n" + b, status: 202,
			edits:   []edit{contentType("application/x-ndjson")},
			results: []string{"invalid_json", accepted}, ends: []end{{id: id}},
		},
		refusedBody("broken first line, said nothing", "{{\n"+b, 400, "invalid_json"),
	}
}

func textRows() []hostile {
	rows := []hostile{
		keptData("U+2028", "{\"v\":\"a\u2028b\"}"),
		keptData("U+FFFF", "{\"v\":\"a\uffffb\"}"),
		keptData("U+FFFD", "{\"v\":\"a\ufffdb\"}"),
		keptData("beyond the first plane", "{\"v\":\"\U0001f441\"}"),
		keptData("beyond the first plane, escaped", `{"v":"\ud83d\udc41"}`, "{\"v\":\"\U0001f441\"}"),
		keptData("NUL in a string", `{"v":"a\u0000b"}`),
		keptData("control characters", `{"v":"\r\n\t\u001b[31m\u007f"}`, "{\"v\":\"\\r\\n\\t\\u001b[31m\u007f\"}"),
		keptData("markup", `{"v":"<script>alert(1)</script>&amp;"}`),
		keptData("formulas", `{"v":["=1+1","+1","-1","@x","\t1"]}`),
	}
	for name, text := range map[string]string{
		"invalid UTF-8": "\xff", "overlong UTF-8": "\xc0\xaf", "encoded surrogate": "\xed\xa0\x80", "latin-1": "caf\xe9",
		"cut sequence": "\xe2\x80",
	} {
		rows = append(rows,
			refusedEvent(name, nativeData(newID(), `{"v":"`+text+`"}`), "invalid_text"),
			refusedAlone(name+" in a key, alone", nativeData(newID(), `{"`+text+`":1}`), "invalid_text"))
	}
	for name, half := range map[string]string{"high surrogate": `\ud83d`, "low surrogate": `\udc41`} {
		rows = append(rows,
			rejectedFor("lone "+name, nativeData(newID(), `{"v":"`+half+`"}`), "invalid_text"),
			rejectedFor("lone "+name+" in a key", nativeData(newID(), `{"`+half+`":1}`), "invalid_text"),
			rejectedFor("lone "+name+" as id", native("", "event_id", `"`+half+`"`), "invalid_text"))
	}
	return rows
}

func keyRows() []hostile {
	other := native(newID(), "EVENT_ID", `"other"`, "Name", `"other"`)
	ours := native(newID(), "application", `"other"`, "_id", `"x"`, "status", `"rejected"`, "expires_at", `1`)
	rows := []hostile{
		refusedEvent("duplicate key", nativeData(newID(), `{"a":1,"a":2}`), "duplicate_key"),
		refusedEvent("duplicate key by escape", nativeData(newID(), `{"a":1,"\u0061":2}`), "duplicate_key"),
		refusedEvent("duplicate key deep down", nativeData(newID(), `{"l":[{"x":{"a":1,"a":1}}]}`), "duplicate_key"),
		refusedAlone("duplicate member of the event", native(newID(), `name`, `"any","name":"any"`), "duplicate_key"),
		keptData("keys with a meaning elsewhere", `{"$where":"1","a.b":{"$gt":""},"":0,"__proto__":{"x":1},"_id":"mine",`+
			`"status":"rejected","expires_at":"2001-01-01T00:00:00Z","$set":{"a":1},"constructor":null}`),
		keptData("NUL in a key", `{"a\u0000b":1,"\u0000":2}`),
		keptData("keys that differ by case or form", "{\"a\":1,\"A\":2,\"\u00e9\":3,\"e\u0301\":4}"),
		rejectedFor("EVENT_ID beside event_id", other, "unknown_member", "unknown_member"),
		rejectedFor("members of ours in the event", ours, "unknown_member", "unknown_member", "unknown_member", "unknown_member"),
	}
	return rows
}

func boundRows() []hostile {
	wide := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"k%d":%d`, i, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	const members = 6 // of the event itself
	return []hostile{
		keptData("depth 32", deep(32)),
		refusedEvent("depth 33", nativeData(newID(), deep(33)), "too_deep"),
		refusedEvent("depth 9,000", nativeData(newID(), deep(9_000)), "too_deep"),
		// What nests over 10,000 levels is read no further, so nothing can be
		// said event by event.
		refusedBody("depth 100,000", batch(native(newID()), nativeData(newID(), deep(100_000))), 400, "invalid_json"),
		keptData("1,000 keys", wide(1000-members)),
		refusedEvent("1,001 keys", nativeData(newID(), wide(1001-members)), "too_large"),
		refusedEvent("350,000 objects", nativeData(newID(), `{"l":[{}`+strings.Repeat(",{}", 349_000)+`]}`), "too_large"),
		keptData("almost 1 MiB", `{"v":"`+strings.Repeat("x", mib-500)+`"}`),
		refusedEvent("over 1 MiB", nativeData(newID(), `{"v":"`+strings.Repeat("x", mib)+`"}`), "too_large"),
		keptData("9,000 small values", `{"l":[1`+strings.Repeat(",1", 8999)+`]}`),
	}
}

// deep is data that nests n levels.
func deep(n int) string {
	return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1)
}

func numberRows() []hostile {
	var rows []hostile
	for _, digits := range []string{
		"9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"1234567890123456789012345678901234", "-9999999999999999999999999999999999", "0.1", "1.0", "-0.0", "0", "1.5e-7", "123456.789",
	} {
		rows = append(rows, keptData("number "+digits, `{"v":`+digits+`,"list":[`+digits+`]}`))
	}
	for digits, reads := range map[string]string{
		"-0": "-0.0", "1e2": "100.0", "1E+2": "100.0", "12345678901234567890123456789012345": "1.234567890123457e+34",
	} {
		rows = append(rows, keptData("number "+digits, `{"v":`+digits+`}`, `{"v":`+reads+`}`))
	}
	for name, digits := range map[string]string{
		"1e400": "1e400", "1e10000000": "1e10000000", "-1e400": "-1e400", "1e-400": "1e-400",
		"a megabyte of digits": strings.Repeat("9", mib-1000), "65 digits": strings.Repeat("1", 65),
	} {
		rows = append(rows, refusedEvent("number "+name, nativeData(newID(), `{"v":`+digits+`}`), "number_out_of_range"))
	}
	return rows
}

func memberRows() []hostile {
	rows := []hostile{
		rejectedFor("event_id of 300 characters", native(strings.Repeat("x", 300)), "invalid_event_id"),
		rejectedFor("event_id of 0 characters", native("", "event_id", `""`), "invalid_event_id"),
		rejectedFor("event_id a number", native("", "event_id", `5`), "invalid_event_id"),
		rejectedFor("event_id an object", native("", "event_id", `{"a":1}`), "invalid_event_id"),
		one("event_id null", native("", "event_id", `null`, "data", `{"v":4}`), end{data: `{"v":4}`}),
		one("no event_id", native("", "event_id", ``, "data", `{"v":5}`), end{data: `{"v":5}`}),
		rejectedFor("everything missing", `{}`,
			"invalid_session_id", "invalid_category", "invalid_name", "invalid_data", "invalid_timestamp"),
		rejectedFor("everything wrong", `{"session_id":1,"category":[],"name":null,"data":"x","timestamp":5}`,
			"invalid_session_id", "invalid_category", "invalid_name", "invalid_data", "invalid_timestamp"),
		rejectedFor("category too long", native(newID(), "category", quote(strings.Repeat("x", 201))), "invalid_category"),
		rejectedFor("category empty", native(newID(), "category", `""`), "invalid_category"),
		rejectedFor("name too long", native(newID(), "name", quote(strings.Repeat("é", 201))), "invalid_name"),
		rejectedFor("name missing", native(newID(), "name", ""), "invalid_name"),
		rejectedFor("data an array", native(newID(), "data", `[{}]`), "invalid_data"),
		rejectedFor("data missing", native(newID(), "data", ""), "invalid_data"),
		rejectedFor("session missing", native(newID(), "session_id", ""), "invalid_session_id"),
		one("session in upper case", native(newID(), "session_id", quote(strings.ToUpper(defaultSession))), end{data: `{"v":1}`}),
	}
	for _, session := range []string{
		"urn:uuid:" + defaultSession, "{" + defaultSession + "}", strings.ReplaceAll(defaultSession, "-", ""), "x", "",
		defaultSession + "\n", strings.Replace(defaultSession, "7d", "7g", 1),
	} {
		rows = append(rows, rejectedFor("session "+quote(session), native(newID(), "session_id", quote(session)), "invalid_session_id"))
	}
	for _, id := range []string{
		"* > . \r\n" + newID(), newID() + "/../x?y#z%41", newID() + " é\u2028", newID() + `'"\`, "\x00" + newID(),
		"\x1b[31m" + newID(), newID() + strings.Repeat("é", 174),
	} {
		rows = append(rows, one("event_id "+quote(id), native(id), end{id: id, data: `{"v":1}`}))
	}
	return rows
}

func timeRows() []hostile {
	now := time.Now().UTC()
	var rows []hostile
	for _, at := range []struct{ sent, reads string }{
		{"2021-01-01 09:15:27.243860", "2021-01-01T09:15:27.243860Z"},
		{"2021-01-01 09:15:27", "2021-01-01T09:15:27.000000Z"},
		{"2021-01-01T09:15:27.1234567Z", "2021-01-01T09:15:27.123456Z"},
		{"2021-01-01T09:15:27.123456789Z", "2021-01-01T09:15:27.123456Z"},
		{"2021-01-01T09:15:27+05:30", "2021-01-01T03:45:27.000000Z"},
		{"2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999Z"},
		{"2021-01-01T09:15:27.1234567890Z", "2021-01-01T09:15:27.123456Z"},
		{"2021-01-01T09:15:27.5", "2021-01-01T09:15:27.500000Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
	} {
		rows = append(rows, one("time "+at.sent, native(newID(), "timestamp", quote(at.sent)), end{timestamp: at.reads}))
	}
	for at, code := range map[string]string{
		"2021-02-30T00:00:00Z": "invalid_timestamp", "2021-01-01T24:00:00Z": "invalid_timestamp", "2021-01-01": "invalid_timestamp",
		"2021-01-01T00:00:60Z": "invalid_timestamp", "2021-13-01T00:00:00Z": "invalid_timestamp", "1609492527": "invalid_timestamp",
		"2021-01-01T09:15:27+0100": "invalid_timestamp", "": "invalid_timestamp", "10000-01-01T00:00:00Z": "invalid_timestamp",
		"9999-12-31T23:59:59Z":                      "timestamp_in_future",
		now.Add(time.Hour).Format(time.RFC3339):     "timestamp_in_future",
		now.AddDate(-21, 0, 0).Format(time.RFC3339): "timestamp_too_old",
		"0001-01-01T00:00:01Z":                      "timestamp_too_old",
	} {
		rows = append(rows, rejectedFor("time "+at, native(newID(), "timestamp", quote(at)), code))
	}
	return append(rows, rejectedFor("time a number", native(newID(), "timestamp", "1609492527243"), "invalid_timestamp"))
}

func judgedRows() []hostile {
	list := `{"list":[1` + strings.Repeat(",1", 9000) + `]}`
	return []hostile{
		rejectedFor("unknown type", native(newID(), "category", `"nobody"`, "name", `"knows > * this"`), "unknown_type"),
		rejectedFor("9,000 schema errors", native(newID(), "name", `"list"`, "data", list), slices.Repeat([]string{"schema_violation"}, 20)...),
		one("forged records in headers", native(newID()), end{data: `{"v":1}`}).with(
			header("User-Agent", `"}{"msg":"forged"}`), header("X-Forwarded-For", `x","msg":"forged`), header("Referer", "http://x/\u2028")),
	}
}

func (h hostile) with(edits ...edit) hostile {
	h.edits = edits
	return h
}

// utf16 encodes ASCII in UTF-16, little endian.
func utf16(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}
