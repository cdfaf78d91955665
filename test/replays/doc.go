// Package replays tests the promises of replays, dry runs and audits with real
// processes: those that run a job are killed, those that validate are stopped in
// the middle of a batch and continued later, and NATS is killed under all of them.
// The documents of the store are then compared with the ledger of package chaos,
// which knows the outcome of each event by either of two schemas, and with the
// target of the replay: no document is below it.
//
//	storm      random kills and stops while one replay follows the other
//	stopped    a processor is stopped during a whole replay with a batch in flight
//	takeover   the process that runs a job is killed: another finishes it
//	planted    the same with processors that have a bug; each must be found
//
// EYE_CHAOS_KILLS is how many processors the storm kills, by default 20, and a
// fifth as often NATS; EYE_CHAOS_SEED repeats its choices.
package replays
