package cmd

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/when"
	"github.com/theeye/theeye/theeye/output"
)

type policyPutCmd struct {
	serverFlags
	noteFlag
	File              string  `arg:"" optional:"" help:"File with the policy; - is standard input. Without, the present policy and the flags."`
	RetentionStored   string  `placeholder:"DURATION" help:"Keep stored events for so long after they were received, as 30d or 2w; forever is without end."`
	RetentionRejected string  `placeholder:"DURATION" help:"The same for rejected events."`
	Match             *uint64 `placeholder:"N" help:"Replace revision N alone; 0 = there must be none. Without, the one that is there."`
	DryRun            bool    `help:"Show the difference and put nothing."`
	noWaitFlag
}

// policyResult is what policy put prints with --json.
type policyResult struct {
	// Revision and Was are equal when nothing changed, or with --dry-run.
	Revision uint64 `json:"revision"`
	Was      uint64 `json:"was"`
	// Changed are the members that differ, as paths, with their values.
	Changed []memberChange `json:"changed"`
	// Retention is the job that applies a changed retention; absent without a
	// change, or where none has started yet.
	Retention jsontext.Value `json:"retention,omitzero"`
}

// memberChange is a member of a document that differs; an absent value is nil.
type memberChange struct {
	Member string         `json:"member"`
	Was    jsontext.Value `json:"was,omitzero"`
	Now    jsontext.Value `json:"now,omitzero"`
}

// String shows the change as one line.
func (m memberChange) String() string {
	switch {
	case m.Was == nil:
		return fmt.Sprintf("+ %s: %s", m.Member, m.Now)
	case m.Now == nil:
		return fmt.Sprintf("- %s: %s", m.Member, m.Was)
	}
	return fmt.Sprintf("  %s: %s -> %s", m.Member, m.Was, m.Now)
}

// Run puts the policy, prints the difference, and follows the job that applies a
// changed retention.
func (c *policyPutCmd) Run(p *output.Printer) error {
	if c.File == "" && c.RetentionStored == "" && c.RetentionRejected == "" {
		return usageErrorf("policy put needs a file, or what to change: --retention-stored, --retention-rejected")
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	present, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.PathPolicy})
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	wanted, err := c.wantedPolicy(present.Body)
	if err != nil {
		return err
	}
	result := policyResult{Was: present.Revision(), Revision: present.Revision(), Changed: compareMembers(present.Body, wanted)}
	if !p.JSON {
		for _, m := range result.Changed {
			if err := p.Linef("%s", m); err != nil {
				return err
			}
		}
	}
	if c.DryRun {
		return c.printResult(p, result)
	}
	if c.Match != nil {
		result.Was = *c.Match
	}
	var put api.ChangedPolicy
	_, err = server.Call(ctx, client.Request{
		Method: http.MethodPut, Path: api.PathPolicy, Body: wanted, IfMatch: client.Match(result.Was), Note: c.Note,
	}, &put)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	result.Revision = put.Revision
	if result.Revision == result.Was || !changesRetention(result.Changed) {
		return c.printResult(p, result)
	}
	return c.followRetention(ctx, p, server, result)
}

// printResult prints the revisions.
func (c *policyPutCmd) printResult(p *output.Printer, r policyResult) error {
	switch {
	case p.JSON:
		return p.Value(r)
	case c.DryRun:
		return p.Linef("policy: nothing put, revision %d stays", r.Was)
	case r.Revision == r.Was:
		return p.Linef("policy: unchanged, revision %d", r.Revision)
	case r.Was == 0:
		return p.Linef("policy: created, revision %d", r.Revision)
	}
	return p.Linef("policy: changed, revision %d replaces %d", r.Revision, r.Was)
}

// wantedPolicy returns the policy to put: that of the file, or the present one, with
// what the flags change.
func (c *policyPutCmd) wantedPolicy(present []byte) ([]byte, error) {
	raw := present
	if c.File != "" {
		var err error
		if raw, _, err = readSchemaFile(c.File); err != nil {
			return nil, err
		}
	}
	if c.RetentionStored == "" && c.RetentionRejected == "" {
		return raw, nil
	}
	policy, retention := map[string]jsontext.Value{}, map[string]jsontext.Value{}
	if err := json.Unmarshal(raw, &policy); err != nil {
		return nil, usageErrorf("the policy is no JSON object: %w", err)
	}
	if own, ok := policy["retention"]; ok {
		if err := json.Unmarshal(own, &retention); err != nil {
			return nil, usageErrorf("member retention of the policy is no JSON object: %w", err)
		}
	}
	for member, flag := range map[string]string{"stored": c.RetentionStored, "rejected": c.RetentionRejected} {
		if flag == "" {
			continue
		}
		text, err := retentionOf(flag)
		if err != nil {
			return nil, usageErrorf("--retention-%s: %w", member, err)
		}
		retention[member] = text
	}
	encoded, err := json.Marshal(retention, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode the retention: %w", err)
	}
	policy["retention"] = encoded
	return json.Marshal(policy, json.Deterministic(true))
}

// forEver is the retention without end, as a flag.
const forEver = "forever"

// retentionOf returns a duration as the policy has it.
func retentionOf(flag string) (jsontext.Value, error) {
	if flag == forEver {
		return jsontext.Value(`"0s"`), nil
	}
	d, err := when.ParseDuration(flag)
	if err != nil {
		return nil, fmt.Errorf("%w, or %q", err, forEver)
	}
	if d == 0 {
		return nil, fmt.Errorf("0 in a policy is without end: say %q", forEver)
	}
	return json.Marshal(flag)
}

func changesRetention(changes []memberChange) bool {
	return slices.ContainsFunc(changes, func(m memberChange) bool { return strings.HasPrefix(m.Member, "retention") })
}

// jobPatience is how long the job of a change is waited for: a processor starts it
// within a second.
const jobPatience = 10 * time.Second

// followRetention waits for the job that applies the new policy, prints it, and
// follows it to its end.
func (c *policyPutCmd) followRetention(ctx context.Context, p *output.Printer, server *client.Client, r policyResult) error {
	j, err := findRetention(ctx, server, r.Revision)
	if err != nil {
		return err
	}
	if !p.JSON {
		if err := c.printResult(p, r); err != nil {
			return err
		}
	}
	if j == nil {
		if p.JSON {
			return p.Value(r)
		}
		p.Remarkf("no job applies the retention yet: it starts when a processor runs; see it with: theeye retention list")
		return nil
	}
	if c.NoWait {
		if p.JSON {
			r.Retention = j.raw
			return p.Value(r)
		}
		p.Remarkf("%s", j.hint())
		return p.Linef("%s: %s", j, j.State)
	}
	p.Remarkf("%s applies it to the documents that are there", j)
	j, err = retentions.awaitJob(ctx, p, server, j)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, j.hint())
	}
	if p.JSON {
		r.Retention = j.raw
		if err := p.Value(r); err != nil {
			return err
		}
		return j.endError()
	}
	if err := j.printTo(p); err != nil {
		return err
	}
	return j.endError()
}

// findRetention returns the job that applies a revision of the policy or a later
// one, nil without one within jobPatience.
func findRetention(ctx context.Context, server *client.Client, revision uint64) (*job, error) {
	for end := time.Now().Add(jobPatience); ; {
		var page api.RetentionPage
		if _, err := server.Get(ctx, api.PathRetentions, url.Values{"limit": {"20"}}, &page); err != nil {
			return nil, err
		}
		for _, j := range page.Retentions {
			if j.TargetRevision >= revision {
				return retentions.getJob(ctx, server, j.ID) // with the report
			}
		}
		if time.Now().After(end) {
			return nil, nil //nolint:nilnil // as documented
		}
		if err := server.Sleep(ctx, pollInterval); err != nil {
			return nil, err
		}
	}
}

// member is one value of a document, with its path.
type member struct {
	path  string
	value jsontext.Value
}

// flattenJSON returns the values of a document by their paths, in the order of
// these. A text that is no JSON has none.
func flattenJSON(raw []byte) (list []member) {
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return nil
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			text, _ := json.Marshal(v, json.Deterministic(true))
			list = append(list, member{path, text})
			return
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			walk(strings.TrimPrefix(path+"."+name, "."), object[name])
		}
	}
	walk("", tree)
	return list
}

// joinMembers shows the members of a retention in one line.
func joinMembers(list []member) string {
	parts := make([]string, len(list))
	for i, m := range list {
		value := strings.Trim(string(m.value), `"`)
		if value == "0s" {
			value = "for ever"
		}
		parts[i] = m.path + " " + value
	}
	return strings.Join(parts, ", ")
}

// compareMembers returns the members in which two documents differ.
func compareMembers(was, now []byte) []memberChange {
	before, after := map[string]jsontext.Value{}, map[string]jsontext.Value{}
	for _, m := range flattenJSON(was) {
		before[m.path] = m.value
	}
	for _, m := range flattenJSON(now) {
		after[m.path] = m.value
	}
	paths := slices.Collect(maps.Keys(before))
	for path := range after {
		if _, both := before[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	changes := []memberChange{}
	for _, path := range paths {
		if string(before[path]) != string(after[path]) {
			changes = append(changes, memberChange{path, before[path], after[path]})
		}
	}
	return changes
}
