package collector

import (
	"net/http"

	"github.com/theeye/theeye/shared/event"
)

// validate judges a request's events as the processor would if they were
// received now, and keeps nothing.
func (s *Service) validate(w http.ResponseWriter, r *http.Request) error {
	a, err := s.admit(w, r)
	if err != nil {
		return err
	}
	in, err := s.take(w, r, a)
	if err != nil {
		return err
	}
	defer in.body.release()
	items := in.batch.Items
	out := append(make([]byte, 0, 64+96*len(items)), `{"results":[`...)
	for i, item := range items {
		out = a.judge(out, i, item)
	}
	return answer(w, http.StatusOK, append(out, "]}\n"...))
}

// judge appends the outcome that an event would have.
func (a admission) judge(out []byte, index int, item event.Item) []byte {
	refusal := item.Refusal
	if refusal == nil {
		var ev *event.Event
		if ev, refusal = a.format.Decode(item.Raw); refusal == nil {
			return appendVerdict(out, index, ev.EventID, a.snapshot.Schemas.Validate(ev, a.received, a.key.Application))
		}
	}
	return append(appendRefused(out, index, refusal), '}')
}
