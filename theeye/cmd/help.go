package cmd

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// details are the longer texts of --help, by command. Every command that calls
// a running Eye has an example.
var details = map[string]string{ //nolint:gosec // texts, not credentials
	"up": `Ends on SIGTERM or an interrupt, after it has finished what it began; a second one ends it at once.`,

	"apply": `Prints what differs between the folder and the registry, then puts it there. A declaration that another
client changes at the same time is left as it is, and the command fails. --prune also removes what the
folder does not declare, of the kinds that have a folder in it, and asks before.

Example:
  theeye apply ./registry --dry-run`,

	"export": `Writes in the order of time; the range is the last seven days without --from. A connection that is cut off
is made again, and the export goes on behind the last whole row, Parquet from its beginning. The last line of
ndjson, with _end, says how many events came before it. Fails with exit code 1 if the export is not whole; a
file of -o has .partial at the end of its name until it is. In csv a text that a spreadsheet would take for a
formula has a ' in front.

Example:
  theeye export --from 30d --category shop --filter 'data.total>=10' --format csv -o orders.csv`,

	"tail": `Prints a line for each event that is stored or rejected from now on, about a second later, and goes on
after an interruption of the connection where it was. --json prints each event as the service has it.

Example:
  theeye tail --outcome rejected`,

	"schema list": `Example:
  theeye schema list`,

	"schema show": `A file of -o carries the revision it was taken from, as x-eye-revision, which is no part of the schema:
schema put replaces that revision alone.

Example:
  theeye schema show 'page interaction' 'cta click' -o 'cta click.json'`,

	"schema put": `Shows the difference to the schema that is there and whose revision it replaces, and asks before. Not where the
caller has seen it: the file carries its revision (schema show -o), or --match says it. Without a terminal to ask
on, one of these or --yes is needed. A file that carries a revision gets the new one. Every service validates by it within a second; earlier outcomes stay as they are.

Example:
  theeye schema put 'page interaction' 'cta click' 'cta click.json' --note 'element may be absent'`,

	"schema history": `Example:
  theeye schema history 'page interaction' 'cta click'`,

	"schema check": `A dry run of a schema that is not put yet: tells what a replay with it would change among the accepted
events of its type, and changes nothing. The type is --category and --name, or that of a file
schemas/<category>/<name>.json. Fails with exit code 1 if any event would be newly rejected.

Example:
  theeye schema check order.json --category shop --name order --from 7d`,

	"schema delete": `Its events are then of an unknown type, which the policy decides about.

Example:
  theeye schema delete 'page interaction' 'cta click' --note 'no site sends it'`,

	"policy show": `Without a policy the default one is printed.

Example:
  theeye policy show > policy.json`,

	"policy put": `Prints what changes. Every service works by it within a second. A changed retention is applied to the
documents that are there, of every age, by a job in the processors, which this command follows; interrupting
it does not end the job. What expired under the earlier policy may be gone. Another client's change in
between is not replaced: the command fails, and can be repeated.

Examples:
  theeye policy put --retention-stored 90d --retention-rejected 30d --note 'as agreed with legal'
  theeye policy put --retention-stored forever --dry-run
  theeye policy put policy.json --match 12`,

	"policy history": `Example:
  theeye policy history`,

	"retention start": `A change of the policy starts such a job by itself; this is for one that was cancelled, or failed.

Example:
  theeye retention start`,

	"retention list": `Example:
  theeye retention list`,

	"retention show": `Succeeds if it could be asked, unless --wait.

Example:
  theeye retention show 1a20b5066f337cab7 --wait`,

	"retention cancel": `What it has changed stays changed; the next change of the retention, or retention start, does the rest.

Example:
  theeye retention cancel 1a20b5066f337cab7`,

	"app show": `Example:
  theeye app show shop`,

	"app enable": `Example:
  theeye app enable shop --note 'the contract goes on'`,

	"app delete": `Within a second, requests with its keys are answered 401. What it wrote stays.

Example:
  theeye app delete shop --yes --note 'the site is closed'`,

	"app list": `Example:
  theeye app list`,

	"app create": `The write key is the only thing on standard output, and is shown this once.

Example:
  theeye app create shop --kind browser --origin https://shop.example`,

	"app set": `Settings that are not named stay as they are. docs/adapters.md says what becomes of the events.

Example:
  theeye app set shop --adapter segment --adapter snowplow
  theeye app set shop --missing-session reject`,

	"app rotate": `The new write key is the only thing on standard output, and is shown this once.
It has the kind, origins and limits of the old one.

Example:
  theeye app rotate shop --overlap 48h`,

	"app disable": `Within a second, requests with the key are answered 403. What it wrote stays.

Example:
  theeye app disable shop --key 0123456789ab --note 'it leaked'`,

	"token list": `Example:
  theeye token list`,

	"token create": `The token is the only thing on standard output, and is shown this once.

Example:
  theeye token create jo --role analyst --application shop`,

	"token revoke": `The only operator token of the registry is removed after a question, or with --yes. Without one, and
without EYE_OPERATOR_TOKEN, a restart of theeye up makes one.

Example:
  theeye token revoke jo --note 'left the company'`,

	"send": `Reads NDJSON, where blank lines are passed over, or any JSON: arrays, events over several lines,
{"events": []}; also compressed by gzip, and in UTF-16. Sending the same events again is safe:
an event counts once, by its event_id or, without, by its content. What cannot be carried is
refused and listed with its line; anything else is accepted, and validated later: --wait waits
for the outcomes, and fails with exit code 1 if any event is rejected.

Examples:
  theeye send events.ndjson
  theeye send export.json.gz --wait`,

	"demo": `What the visitors of a small shop did in the days before now: they browse, sign up, buy, and some come back. The
types are those that theeye up --dev knows; about one event in a hundred is rejected. The same --seed, --days
and --until make the same events, which count once however often they are sent; a larger --events adds to them.
With --json, the summary says what a correct count of the stored events gives.

Examples:
  EYE_WRITE_KEY=dev-write-key theeye demo
  EYE_WRITE_KEY=dev-write-key theeye demo --events 1000000 --days 365 --seed 7`,

	"events": `Lists stored events by the time at which they happened. With --json, a line an event:
everything that is kept of it. A list that is not whole ends with a line {"_end":true,"complete":false,…}, and
with exit code 1.

A --filter compares a field, or a place in the data, by = != > >= < <= ^= (begins with) *= (contains) in exists.
Numbers are numbers and "5" in quotes is text; tags[] is any element; type is 'category / name'.

Examples:
  theeye events --category 'page interaction' --from '2026-01-31 08:00:00' --limit 20
  theeye events --filter 'data.plan in ["pro","team"]' --filter 'data.items[].price >= 9.5'`,

	"sessions": `Without an id, lists sessions by their first event; each is counted whole, also its events outside of --from
and --to. Without --from, the range is the last seven days. With --json the object says whether the list is
"complete", and a list that is not ends with exit code 1; --all prints all of it.

Examples:
  theeye sessions --from yesterday --min-events 3
  theeye sessions --from 7d --all --json
  theeye sessions 7b6f1c52-9a0e-4a53-8a6a-0c5b7c9d1e2f`,

	"event": `Example:
  theeye event 0193b5c2-7c1a-7000-8000-000000000001 --application shop`,

	"validate": `Reads events as send does. Prints those that would not be stored, with the reasons; with --json, a line an event
and then the counts. Fails with exit code 1 if any would not be stored.

With the --format of another product, each JSON value of the file is the body of a request as its clients send
it: a batch of Segment, a CloudEvent in structured mode, a list of Snowplow. A file that is no JSON has an
address, or its query, a line: images, and Snowplow by GET. --json prints what each event became.

Examples:
  theeye validate events.ndjson
  theeye validate --format segment batch.json`,

	"export-config": `theeye apply of the folder changes nothing. Applications are left out: their declarations hold hashes of write keys,
which the service does not show.

Example:
  theeye export-config ./registry`,

	"doctor": `Prints a line for each check: ok, warn or FAIL, and the cure. Fails with exit code 1 if one fails. Most checks need
an operator token; those of NATS and the disk, the machine that theeye up runs on.

Example:
  theeye doctor`,

	"completion": `Example:
  source <(theeye completion bash)`,

	"types": `Counts stored and rejected events by type, received in the range: the last seven days without --from.
The line without category or name is of rejected events that have no valid one.

Example:
  theeye types --from 24h`,

	"stats series": `Counts in intervals of local days, hours and so on, the last seven days without --from. With --group-by, a
terminal shows a line for each group; elsewhere each interval of each group has one.

Examples:
  theeye stats series --interval hour --from 24h
  theeye stats --metric sessions --group-by data.path --from 30d
  theeye stats --metric p95 --field data.price --name purchase --compare`,

	"stats verify": `Counts the days in the store and in the columns; a day that differs is rebuilt, and the exit code is 1.

Example:
  theeye stats verify --from 7d`,

	"top": `The last seven days without --from. A JSON null is a value; events without one are counted apart.

Examples:
  theeye top data.path --from 30d
  theeye top type --metric sessions
  theeye top 'data.tags[]' --filter 'data.plan=pro' --csv`,

	"funnel": `Counts the visitors that take the steps in this order; other events may lie between them. A step that
contains " where " or " and " in its names is written as JSON, with --file.

Examples:
  theeye funnel 'page interaction / pageview where data.path=/pricing' 'form interaction / submit' --window 1h
  theeye funnel 'data.path=/pricing' 'shop / purchase' --by data.user --group-by data.country
  theeye funnel --file signup.json --json`,

	"fields": `The last seven days without --from. Paths are spelled as filters take them.

Examples:
  theeye fields --category shop --name purchase
  theeye fields --prefix data.cart --from 30d`,

	"schema infer": `Looks at the stored events of the last seven days, or of --from and --to, and while the type has no
schema at those that were rejected as unknown_type.

Example:
  theeye schema infer shop purchase -o purchase.json`,

	"changes": `Example:
  theeye changes --kind schema --limit 10`,

	"rejected": `Lists rejected events by the time at which they were received, a line a reason. With --json, a
line an event, with its original bytes. --from and --to are about the time of receipt.

Examples:
  theeye rejected --summary
  theeye rejected --code schema_violation --limit 5 --json`,

	"trace": `Shows what became of one event: when it was received, how it was validated then, what replays made of it,
and what is kept now. Earlier outcomes are not kept: the event is validated again by the registry of their time.

Example:
  theeye trace 0193b5c2-7c1a-7000-8000-000000000001 --application shop`,

	"status": `Succeeds if it could be asked; what it prints says how things are.

Example:
  theeye status`,

	"backup": `Copies the stream, the registry, the jobs and the embedded store, consistently, while events go on arriving.
The folder has its name once it is complete; until then the name ends in .partial. With a database of its
own, run its tool afterwards: docs/operations.md says how.

Example:
  theeye backup ./backup-monday`,

	"restore": `Checks every file, and makes the data folder of a theeye up that does not run. Events that were accepted after the
backup are not in it.

Example:
  theeye restore ./backup-monday --data ./data`,

	"replay start": `Validates accepted events again and writes the outcomes that changed, beside live events. Without flags that
choose, it takes every event that the stream still has. The report counts and samples what changed, by type
and reason. It runs in the processors: interrupting this command does not end it.

Fails with exit code 1 if a dry run finds events that would be newly rejected.

Examples:
  theeye replay --category shop --only rejected --dry-run
  theeye replay start --only rejected --code unknown_type --from 7d --rate 5000`,

	"replay list": `Example:
  theeye replay list`,

	"replay show": `Succeeds if it could be asked, unless --wait.

Example:
  theeye replay show 1a20b5066f337cab7 --wait`,

	"replay cancel": `Example:
  theeye replay cancel 1a20b5066f337cab7`,

	"audit start": `Says of every sequence what became of the event that was accepted there: stored, rejected, a copy of an
earlier one, past its retention, not settled yet, or MISSING. Nothing that the services count is believed:
it looks at the stream and at the store. Fails with exit code 1 if anything is missing.

Examples:
  theeye audit
  theeye audit start --from 24h --repair`,

	"audit list": `Example:
  theeye audit list`,

	"audit show": `Succeeds if it could be asked, unless --wait.

Example:
  theeye audit show 1a20b5066f337cab7 --wait`,

	"audit cancel": `Example:
  theeye audit cancel 1a20b5066f337cab7`,
}

// addDetails gives every command its longer text.
func addDetails(k *kong.Kong) error {
	for _, leaf := range k.Model.Leaves(false) {
		leaf.Detail = details[commandName(leaf)]
	}
	return nil
}

// commandName returns the name of a command, such as "schema put".
func commandName(n *kong.Node) string {
	name := n.Name
	for n = n.Parent; n != nil && n.Type == kong.CommandNode; n = n.Parent {
		name = n.Name + " " + name
	}
	return name
}

// helpCmd is the command help. Its arguments become the flag --help before they
// are parsed.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"A command, e.g. schema put; all commands without."`
}

// printHelp prints the help of a command. A command that can be left out, such as
// the start of replay start, shows its flags with those above it.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	node := ctx.Selected()
	if node == nil || node.DefaultCmd == nil {
		return nil
	}
	name := commandName(node.DefaultCmd)
	implied, err := kong.Trace(ctx.Kong, strings.Fields(name))
	if err != nil {
		return fmt.Errorf("help of %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(ctx.Stdout, "\nWithout a command, theeye %s is theeye %s:\n\n", commandName(node), name); err != nil {
		return err
	}
	return kong.DefaultHelpPrinter(options, implied)
}
