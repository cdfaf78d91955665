package queryapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
)

// paths returns the JSON pointers of the faults of an answer.
func paths(faults []event.Fault) []string {
	at := make([]string, len(faults))
	for i, f := range faults {
		at[i] = f.Path
	}
	return at
}

// Requests for jobs that cannot run: every fault is listed, and neither a job nor
// a revision is created.
func TestRejectsInvalidJobs(t *testing.T) {
	fx := newFixture(t)
	long := strings.Repeat("é", 201)
	for body, want := range map[string][]string{
		`[]`: {""}, `null`: {""}, `"x"`: {""}, `1`: {""}, `true`: {""},
		`{"dry-run":true}`:                                            {"/dry-run"},
		`{"a/b":1,"from":1,"to":"tomorrow"}`:                          {"/a~1b", "/from", "/to"},
		`{"dry_run":"true"}`:                                          {"/dry_run"},
		`{"dry_run":null,"only":null}`:                                {"/dry_run", "/only"},
		`{"from":""}`:                                                 {"/from"},
		`{"from":"2026-02-30T00:00:00Z"}`:                             {"/from"},
		`{"from_seq":0,"to_seq":-1}`:                                  {"/from_seq", "/to_seq"},
		`{"from_seq":1.5,"to_seq":1e3}`:                               {"/from_seq", "/to_seq"},
		`{"from_seq":9223372036854775808}`:                            {"/from_seq"},
		`{"from_seq":1e999,"to_seq":"1"}`:                             {"/from_seq", "/to_seq"},
		`{"from_seq":3,"to_seq":2}`:                                   {""},
		`{"from":"2026-01-02T00:00:00Z","to":"2026-01-02T00:00:00Z"}`: {""},
		`{"application":"","category":"","name":"","code":""}`:        {"/application", "/category", "/code", "/name"},
		`{"application":"Shop"}`:                                      {""},
		`{"application":{"$ne":"x"}}`:                                 {"/application"},
		`{"category":"` + long + `","name":["a"]}`:                    {"/category", "/name"},
		`{"only":"stored"}`:                                           {""},
		`{"code":"` + strings.Repeat("c", 65) + `"}`:                  {""},
		`{"rate":0}`:                                                  {"/rate"},
		`{"rate":-5}`:                                                 {"/rate"},
		`{"rate":1.5}`:                                                {"/rate"},
		`{"rate":9223372036854775808}`:                                {"/rate"},
		`{"dry_run":true,"rate":5}`:                                   {"/rate"},
		`{"schemas":{}}`:                                              {"/schemas"},
		`{"dry_run":false,"schemas":[]}`:                              {"/schemas"},
		`{"repair":true}`:                                             {"/repair"},
		`{"id":"x","state":"done","target_revision":1}`:               {"/id", "/state", "/target_revision"},
	} {
		f := fx.asOperator(422, "POST", "/v1/replays", body)
		if diff := cmp.Diff(want, paths(f.Faults)); diff != "" || f.Code != "invalid_declaration" {
			t.Errorf("%.100s (-want +got):\n%s %.300s", body, diff, f.raw)
		}
	}
	for body, want := range map[string][]string{
		`[]`: {""}, `null`: {""}, `{"dry_run":true}`: {"/dry_run"}, `{"application":"shop","only":"rejected"}`: {"/application", "/only"},
		`{"repair":1,"from_seq":"1"}`: {"/from_seq", "/repair"}, `{"from_seq":3,"to_seq":2}`: {""}, `{"schemas":{},"rate":1}`: {"/rate", "/schemas"},
	} {
		f := fx.asOperator(422, "POST", "/v1/audits", body)
		if diff := cmp.Diff(want, paths(f.Faults)); diff != "" {
			t.Errorf("%.100s (-want +got):\n%s", body, diff)
		}
	}
	fx.expectNoJob()
}

// expectNoJob fails the test if there is a job, or a revision.
func (fx *fixture) expectNoJob() {
	fx.t.Helper()
	if jobs := append(fx.listJobs("/v1/replays"), fx.listJobs("/v1/audits")...); len(jobs) != 0 {
		fx.t.Errorf("%+v", jobs)
	}
	if at := fx.newestRevision(); at != 0 {
		fx.t.Errorf("revision %d was made", at)
	}
}

// newestRevision returns the newest revision of the registry's bucket.
func (fx *fixture) newestRevision() uint64 {
	fx.t.Helper()
	revision, err := registry.RevisionAt(fx.ctx(), fx.js, time.Now().Add(time.Hour))
	if err != nil {
		fx.t.Fatal(err)
	}
	return revision
}

// Bodies that are not JSON, or too large.
func TestRejectsUnreadableJobBodies(t *testing.T) {
	fx := newFixture(t)
	for _, path := range []string{"/v1/replays", "/v1/audits"} {
		for name, body := range map[string]string{
			"empty": "", "space": " ", "cut off": `{"from_seq":`, "two": `{}{}`, "NUL": "{}\x00", "mark": "\ufeff{}", "text": "from_seq=1", "not UTF-8": "{\"code\":\"\xff\"}",
			"twice": `{"to_seq":1,"to_seq":2}`, "twice within": `{"x":[{"a":1,"a":2}]}`, "twice, escaped": `{"to_seq":1,"to\u005fseq":2}`,
			"deep": `{"x":` + strings.Repeat(`[`, 20_000), "comment": `{/*x*/}`, "single quotes": `{'from_seq':1}`, "NaN": `{"rate":NaN}`, "surrogate": `{"code":"\ud800"}`,
		} {
			if f := fx.asOperator(400, "POST", path, body); f.Code != "invalid_json" {
				t.Errorf("%s: %s", name, f.raw)
			}
		}
		if f := fx.asOperator(413, "POST", path, "{}"+strings.Repeat(" ", 1<<20-1)); f.Code != "body_too_large" {
			t.Errorf("%s", f.raw)
		}
		if f := fx.asOperator(415, "POST", path, "{}", "Content-Encoding", "gzip"); f.Code != "unsupported_encoding" {
			t.Errorf("%s", f.raw)
		}
		if f := fx.asOperator(400, "POST", path, "{}", "X-Eye-Note", "a\tb"); f.Code != "invalid_header" {
			t.Errorf("%s", f.raw)
		}
	}
	// Many faults are counted, and not all of them listed.
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, `"%d":1,`, i)
	}
	if f := fx.asOperator(422, "POST", "/v1/replays", "{"+many.String()+`"x":1}`); len(f.Faults) != 1000 || !strings.Contains(f.Detail, "5001") {
		t.Errorf("%d faults: %s", len(f.Faults), f.Detail)
	}
	fx.expectNoJob()
	fx.startJob("/v1/audits", "{}"+strings.Repeat(" ", 1<<20-2))
}

// A dry run takes unpublished schemas, and lists their faults.
func TestDryRunTakesUnpublishedSchemas(t *testing.T) {
	fx := newFixture(t)
	made := fx.startJob("/v1/replays", `{"dry_run":true,"category":"page interaction","schemas":[{"category":"page interaction","name":"cta click","schema":`+hostSchema+`},{"category":"c","name":"n","schema": {} }]}`)
	if diff := cmp.Diff([]api.TypeName{{Category: "c", Name: "n"}, {Category: "page interaction", Name: "cta click"}}, made.Schemas); diff != "" || !made.DryRun {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
	r := fx.jobRecord(made.ID)
	if r.Kind != job.DryRun || string(r.Schemas["page=20interaction/cta=20click"]) != hostSchema || string(r.Schemas["c/n"]) != "{}" || len(r.Schemas) != 2 {
		t.Errorf("%+v", r)
	}
	if got := fx.startJob("/v1/replays", `{"dry_run":true,"schemas":[]}`); got.Schemas != nil {
		t.Errorf("%+v", got)
	}
	for body, want := range map[string][]string{
		`{}`: {"/schemas"}, `null`: {"/schemas"}, `"c/n"`: {"/schemas"}, `{"c/n":{}}`: {"/schemas"}, `{"page interaction/cta click":{}}`: {"/schemas"},
		`[1,{"category":"c","name":"n","schema":{"type":1,"tpye":2}},{"category":"d","name":"n","schema":{"$ref":"http://127.0.0.1/x"}}]`: {
			"/schemas/0", "/schemas/1/schema/tpye", "/schemas/1/schema/type", "/schemas/2/schema/$ref",
		},
		`[{"name":"n","schema":{}},{"category":"c","name":"","schema":{}},{"category":1,"name":"n"},{"category":"c","name":"n","schema":{},"x":1}]`: {
			"/schemas/0/category", "/schemas/1/name", "/schemas/2/category", "/schemas/2/schema", "/schemas/3/x",
		},
		`[{"category":"c","name":"n","schema":{}},{"category":"c","name":"n","schema":{}}]`:      {"/schemas/1"},
		`[{"category":"c","name":"n","schema":{"title":"` + strings.Repeat("x", 64<<10) + `"}}]`: {"/schemas/0/schema"},
		`[{"category":"c","name":"n","schema":{"required":["a"],"examples":[{}]}}]`:              {"/schemas/0/schema/examples/0"},
	} {
		f := fx.asOperator(422, "POST", "/v1/replays", `{"dry_run":true,"schemas":`+body+`}`)
		got := paths(f.Faults)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.100s (-want +got):\n%s %.300s", body, diff, f.raw)
		}
	}
}

// Their number and size are bounded; the largest leave room for the report.
func TestSchemasOfADryRunAreBounded(t *testing.T) {
	fx := newFixture(t)
	order := func(n, size int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`{"category":"c","name":"%d","schema":{"title":"%s"}}`, i, strings.Repeat("x", size-len(`{"title":""}`)))
		}
		return `{"dry_run":true,"schemas":[` + strings.Join(list, ",") + `]}`
	}
	if f := fx.asOperator(422, "POST", "/v1/replays", order(21, 20)); len(f.Faults) != 1 || f.Faults[0].Path != "/schemas" {
		t.Errorf("%.300s", f.raw)
	}
	if f := fx.asOperator(422, "POST", "/v1/replays", order(9, 60<<10)); len(f.Faults) != 1 || f.Faults[0].Path != "/schemas" {
		t.Errorf("%.300s", f.raw)
	}
	if f := fx.asOperator(413, "POST", "/v1/replays", order(20, 64<<10)); f.Code != "body_too_large" {
		t.Errorf("%.300s", f.raw)
	}
	made := fx.startJob("/v1/replays", order(8, 64<<10))
	fx.updateJob(made.ID, func(j *job.Job) { j.Report = encodeValue(t, strings.Repeat("r", 384<<10)) })
	if got := fx.startJob("/v1/replays", order(20, 20)); len(got.Schemas) != 20 {
		t.Errorf("%+v", got)
	}
}

// Every member of a selection is stored as it was sent.
func TestJobKeepsItsSelection(t *testing.T) {
	fx := newFixture(t)
	for _, text := range []string{"a/b", "é", "*", ">", "a.b", " ", "\x00", "\u2028", strings.Repeat("👁", 200)} {
		made := fx.startJob("/v1/replays", fmt.Sprintf(`{"dry_run":true,"category":%s,"name":%[1]s,"schemas":[{"category":%[1]s,"name":%[1]s,"schema":{}}]}`,
			encode(t, text)))
		if r := fx.jobRecord(made.ID); r.Selection.Category != text || r.Selection.Name != text || made.Selection.Name != text {
			t.Errorf("%q became %+v", text, r.Selection)
		}
	}
	made := fx.startJob("/v1/audits", `{"from":"2026-01-02T03:04:05.1234567+02:00","to_seq":9223372036854775807,"repair":true}`, "X-Eye-Note", "why")
	r := fx.jobRecord(made.ID)
	if want := time.Date(2026, 1, 2, 1, 4, 5, 123456000, time.UTC); !r.Selection.From.Equal(want) || r.Selection.ToSeq != 1<<63-1 ||
		!r.Repair || !made.Repair || r.Kind != job.Audit || r.Note != "why" || r.Author != "o" || made.DryRun {
		t.Errorf("%+v", r)
	}
}
