package cmd

import (
	"github.com/alecthomas/kong"
)

// details are the longer texts of --help, by command. Every command that calls
// a running Eye has an example.
var details = map[string]string{ //nolint:gosec // texts, not credentials
	"up": `Ends on SIGTERM or an interrupt, after it has finished what it began; a second one ends it at once.`,

	"apply": `Prints what differs between the folder and the registry, then puts it there. A declaration that another
client changes at the same time is left as it is, and the command fails.

Example:
  theeye apply ./registry --dry-run`,

	"schema list": `Example:
  theeye schema list`,

	"schema show": `Example:
  theeye schema show 'page interaction' 'cta click' > 'cta click.json'`,

	"schema put": `Every service validates by it within a second; earlier outcomes stay as they are.

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

	"app list": `Example:
  theeye app list`,

	"app create": `The write key is the only thing on standard output, and is shown this once.

Example:
  theeye app create shop --kind browser --origin https://shop.example`,

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

	"token revoke": `Example:
  theeye token revoke jo --note 'left the company'`,

	"send": `Every line is a JSON object; blank lines are passed over. Sending the same lines again is safe:
an event counts once, by its event_id or, without, by its content. What cannot be carried is
refused and listed with its line; anything else is accepted, and validated later.

Example:
  theeye send events.ndjson`,

	"events": `Lists stored events by the time at which they happened. With --json, a line an event:
everything that is kept of it.

Example:
  theeye events --category 'page interaction' --from '2026-01-31 08:00:00' --limit 20`,

	"sessions": `Without an id, lists the sessions of the newest events; each is counted whole, whatever --from
and --to say.

Examples:
  theeye sessions --limit 5
  theeye sessions 7b6f1c52-9a0e-4a53-8a6a-0c5b7c9d1e2f`,

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
