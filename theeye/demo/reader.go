package demo

import "io"

// lineReader makes the lines of a sample as they are read.
type lineReader struct {
	sample *Sample
	next   int    // the session that comes next
	rest   []byte // made and not read
	buffer []byte // reused for the next session
}

// Read fills p unless the sample ends.
func (r *lineReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.next == len(r.sample.sessions) {
				break
			}
			r.writeSession(&r.sample.sessions[r.next])
			r.next++
		}
		copied := copy(p[n:], r.rest)
		r.rest = r.rest[copied:]
		n += copied
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *lineReader) writeSession(planned *session) {
	w := r.sample.newWriter(planned, r.buffer[:0])
	v := r.sample.newVisitor(planned.visitor)
	r.sample.makeSession(&v, planned, w.writeAction)
	r.rest, r.buffer = w.text, w.text
}
