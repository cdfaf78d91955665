// Package replays proves by force what replays, dry runs and audits promise,
// with real processes: those that run a job are killed, those that judge are
// stopped in the middle of it and go on later, and NATS is killed under all of
// them. What the store holds then is held against the ledger of package chaos,
// which knows how each event must be judged by either of two schemas, and
// against the target of the replay: no document is below it.
//
//	storm      random kills and stops while one replay follows the other
//	stopped    a processor sleeps through a whole replay with work in its hands
//	takeover   the process that runs a job is killed: another finishes it
//	planted    the same with processors that have a bug; each must be found
//
// EYE_CHAOS_KILLS is how many processors the storm kills, by default 100, and a
// fifth as often NATS; EYE_CHAOS_SEED repeats its choices.
package replays
