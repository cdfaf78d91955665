package eye

// Stats are the counts of a Client since it was made. Enqueued + Recovered is Accepted +
// Refused + Dropped() + Queued.
type Stats struct {
	// Enqueued counts the calls of Enqueue, Recovered the events that the spool held at
	// the start.
	Enqueued, Recovered int64
	Accepted, Refused   int64
	// The events that were dropped, by reason.
	DroppedQueueFull, DroppedTooLarge, DroppedUnserialisable, DroppedClosed, DroppedNotStarted int64
	// Queued and QueuedBytes are the events that wait or are being sent.
	Queued, QueuedBytes int
	// Requests counts the requests, FailedRequests those after which the same events
	// were to be sent again.
	Requests, FailedRequests int64
	// LastFailure says why the last request failed; "" after one that succeeded.
	LastFailure string
}

// Dropped returns the number of events that were dropped, for whichever reason.
func (s Stats) Dropped() int64 {
	return s.DroppedQueueFull + s.DroppedTooLarge + s.DroppedUnserialisable + s.DroppedClosed + s.DroppedNotStarted
}

func (s *Stats) countDrop(reason Reason) {
	switch reason {
	case ReasonQueueFull:
		s.DroppedQueueFull++
	case ReasonTooLarge:
		s.DroppedTooLarge++
	case ReasonUnserialisable:
		s.DroppedUnserialisable++
	case ReasonClosed:
		s.DroppedClosed++
	case ReasonNotStarted:
		s.DroppedNotStarted++
	}
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	if c == nil {
		return Stats{}
	}
	if c.ended == nil {
		n := c.early.Load()
		return Stats{Enqueued: n, DroppedNotStarted: n}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Queued, s.QueuedBytes = c.q.total()
	return s
}
