package collector

import (
	"net/http"

	"github.com/theeye/theeye/shared/event"
)

// intake is the body of a request, taken apart and charged. Who took it
// releases the body.
type intake struct {
	body    *body
	batch   event.Batch
	charged charged
}

// take reads and splits the body of a request that was admitted, and charges it
// to the write key. An error means that nothing can be said about single
// events, or that nothing may be done about them; nothing is charged then.
func (s *Service) take(w http.ResponseWriter, r *http.Request, a admission) (intake, error) {
	// A key that has nothing left shall not cost the work on its bodies.
	if err := s.allowances.spent(a.key, leastCost(r)); err != nil {
		s.reader.skip(w, r)
		return intake{}, err
	}
	b, err := s.reader.read(w, r)
	if err != nil {
		return intake{}, err
	}
	in := intake{body: b}
	if in.batch, err = a.format.Split(r, b.text, maxEvents); err == nil {
		in.charged, err = s.allowances.charge(a.key, cost{events: len(in.batch.Items), bytes: len(b.text)})
	}
	if err != nil {
		b.release()
		return intake{}, err
	}
	return in, nil
}

// leastCost is what a request costs at least, as far as its headers tell.
func leastCost(r *http.Request) cost {
	least := cost{events: 1, bytes: 1}
	if r.Header.Get("Content-Encoding") == "" && r.ContentLength <= maxBody {
		least.bytes = int(max(r.ContentLength, 1))
	}
	return least
}
