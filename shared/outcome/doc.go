// Package outcome decides what becomes of an accepted event: it decodes a
// message of the stream and has one registry revision judge it. The outcome is
// a pure function of the message and the revision: no clock, no network, no
// count of deliveries. So whoever asks again, a replay or an audit, gets the
// same answer as the processor did.
package outcome
