// Package eye sends events to The Eye.
//
//	client, err := eye.New(eye.Config{URL: "https://events.example.com", WriteKey: key})
//	…
//	defer client.Close(ctx)
//	_ = client.Enqueue(eye.Event{SessionID: session, Category: "page interaction", Name: "pageview",
//		Data: map[string]any{"host": "www.example.com", "path": "/pricing"}})
//
// # Promises
//
//   - Enqueue never waits for the network, and never panics. It encodes the event at
//     once: a caller may change its data after the call, and gets the error of data that
//     cannot be sent.
//   - An event is sent until the collector accepts or refuses it, under one id, so it
//     counts once however often it is sent: also after a lost answer, with a wrong key
//     that becomes right, and while the collector is unavailable.
//   - The queue is bounded in events and bytes. The oldest events make room; Stats and
//     OnDropped say how many.
//   - With a spool, an event whose Enqueue has returned nil survives the end of the
//     process, SIGKILL included. A loss of power may take the last seconds.
//   - Whatever a site does wrong is one message in its log, and a count.
//
// One goroutine forms batches, by number, bytes and time, sends one after the other,
// waits between attempts as the answers ask, and runs the callbacks. Its behaviour in
// each case is fixed by the vectors in clients/testdata/vectors, which the clients of
// all languages share.
package eye
