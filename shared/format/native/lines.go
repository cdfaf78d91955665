package native

import (
	"bytes"

	"github.com/theeye/theeye/shared/event"
)

// lines takes the body apart as NDJSON: every line that is not blank is an
// item, whatever it holds.
func (p *parser) lines() (event.Batch, error) {
	p.items = nil
	for rest := p.body; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		line = bytes.Trim(line, whitespace)
		if len(line) == 0 {
			continue
		}
		if len(p.items) >= p.max {
			return event.Batch{}, event.ErrTooManyEvents
		}
		p.line(line)
	}
	return event.Batch{Items: p.items}, nil
}

// line adds one line, refused where it is not one complete JSON value.
func (p *parser) line(line []byte) {
	p.reset(line)
	kind := p.dec.PeekKind()
	err := p.dec.SkipValue()
	if err == nil && p.end() == len(line) {
		p.add(line[:len(line):len(line)], kind)
		return
	}
	p.add(line[:len(line):len(line)], '{')
	p.items[len(p.items)-1].Refusal = refuseLine(checkSyntax(line))
}

// refuseLine words why a line cannot be read.
func refuseLine(x syntax) *event.Refusal {
	if x.deep {
		return refuse(event.CodeTooDeep, "the line nests %s levels; %d are allowed", x.levels(), event.MaxDepth)
	}
	return refuse(event.CodeInvalidJSON, "%s", describe(x.err))
}
