// Package outcome evaluates a message of the stream: it decodes the event and
// validates it with one registry revision. The outcome, stored or rejected, is a
// pure function of the message and the revision: no clock, no network, no count
// of deliveries. So a replay or an audit that evaluates the message again gets the
// same outcome as the processor.
package outcome
