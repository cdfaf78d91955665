package chaos

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// kept is the document that a faultless pipeline makes of an entry.
func kept(t *testing.T, e *Entry, seq uint64) *Document {
	t.Helper()
	d := &Document{Application: "demo", EventID: e.EventID, Status: "stored"}
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.UseNumber()
	var sent Sent
	if err := dec.Decode(&sent); err != nil {
		t.Fatal(err)
	}
	d.SessionID, d.Category, d.Name, d.Data, d.Timestamp = sent.SessionID, sent.Category, sent.Name, sent.Data, sent.Timestamp
	d.Origin.Epoch, d.Origin.Seq = 1, seq
	if code := e.Kind.rejectionCode(); code != "" {
		reject(d, code, e.Body)
	}
	return d
}

func reject(d *Document, code string, original []byte) {
	d.Status, d.Original = "rejected", string(original)
	d.Errors = append(d.Errors[:0:0], struct {
		Code string `json:"code"`
	}{code})
}

// sent fills a ledger with accepted events of every kind and returns the
// documents that they should become.
func sent(t *testing.T) (*Ledger, []*Document) {
	t.Helper()
	l := NewLedger()
	r := rand.New(rand.NewPCG(1, 2))
	var docs []*Document
	for range 200 {
		e := l.addEntry(r, newID())
		l.markAccepted(e)
		docs = append(docs, kept(t, e, uint64(len(docs)+1)))
	}
	second := l.addEntry(r, l.order[0].EventID)
	l.markAccepted(second)
	conflict := kept(t, second, uint64(len(docs)+1))
	reject(conflict, codeConflict, second.Body)
	return l, append(docs, conflict)
}

func TestCheckOfFaultlessDocuments(t *testing.T) {
	l, docs := sent(t)
	reportFindings(t, l.Check(docs))
}

func TestCheckFindsEachFault(t *testing.T) {
	for name, tc := range map[string]struct {
		want   string
		damage func([]*Document) []*Document
	}{
		"lost":          {"missing", func(d []*Document) []*Document { return d[1:] }},
		"lost conflict": {"missing", func(d []*Document) []*Document { return d[:len(d)-1] }},
		"twice":         {"twice", func(d []*Document) []*Document { return append(d, d[7]) }},
		"invented":      {"unexpected", func(d []*Document) []*Document { return append(d, &Document{EventID: "x"}) }},
		"shared place":  {"one place", func(d []*Document) []*Document { d[3].Origin = d[4].Origin; return d }},
		"session":       {"event", func(d []*Document) []*Document { d[5].SessionID = newID(); return d }},
		"id":            {"event", func(d []*Document) []*Document { d[5].EventID = newID(); return d }},
		"number":        {"event", func(d []*Document) []*Document { d[5].Data["big"] = json.Number("9007199254740992"); return d }},
		"extra member":  {"event", func(d []*Document) []*Document { d[5].Data["new"] = true; return d }},
		"two owners": {"conflict", func(d []*Document) []*Document {
			d[len(d)-1].Status, d[len(d)-1].Errors = d[0].Status, d[0].Errors
			return d
		}},
		"no owner":         {"conflict", func(d []*Document) []*Document { reject(d[0], codeConflict, nil); return d }},
		"stored conflict":  {"event", func(d []*Document) []*Document { d[len(d)-1].Status = "stored"; return d }},
		"changed original": {"event", func(d []*Document) []*Document { d[len(d)-1].Original += " "; return d }},
	} {
		l, docs := sent(t)
		found := l.Check(tc.damage(docs))
		if len(found) == 0 || !strings.HasPrefix(strings.Join(found, "\n"), tc.want) && !strings.Contains(strings.Join(found, "\n"), "\n"+tc.want) {
			t.Errorf("%s: findings %q, want one that begins with %q", name, found, tc.want)
		}
	}
}
