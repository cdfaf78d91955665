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
// Only the processor calls Ensure, and where it is a process of its own the query
// API calls EnsureRegistry: it alone may change the registry. Both create, and raise
// limits; they never remove.
package stream
