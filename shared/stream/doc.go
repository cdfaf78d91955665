// Package stream is the one place that names the JetStream stream of accepted
// events, its subjects, headers, consumer and the registry's buckets, and that
// creates them.
//
// A message of the stream carries the exact bytes the collector received; what
// the collector knows besides stands in headers (Message). The subject tells
// application and type of events whose type the registry knows, so that other
// services can subscribe to one type; every other event has the subject
// events.<application>.unregistered, so nobody outside can make subjects.
//
// Only the processor calls Ensure; the other services call Wait. Ensure adds
// and raises and never removes.
package stream
