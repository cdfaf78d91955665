// Package stream names the JetStream stream of accepted events, its subjects,
// headers and consumer, and the key-value buckets of the system. It creates them,
// and reads ranges of the stream.
//
// A message of the stream carries the exact bytes that the collector received;
// headers carry what the collector adds (Message). The subject names application
// and type if the registry knows the type, so that other services can subscribe to
// one type. Every other event has the subject events.<application>.unregistered, so
// that clients cannot create subjects.
//
// Only the processor calls Ensure; the other services call Wait. Ensure creates,
// and raises limits; it never removes.
package stream
