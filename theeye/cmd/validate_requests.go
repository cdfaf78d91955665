package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/format/pixel"
	"github.com/theeye/theeye/shared/format/snowplow"
	"github.com/theeye/theeye/theeye/output"
)

// Bounds of one request in another format, which are those of the collector.
const (
	maxRequestBytes = 8 << 20
	maxQueryBytes   = 48 << 10
)

// sentRequest is what a request in the format of another product carries: a body, or a
// query.
type sentRequest struct {
	body  []byte
	query string
}

// requestReader reads the requests of a file: each JSON value is a body. A file of images,
// and one of Snowplow that does not begin as JSON, has the query, or the address with it,
// of a request by GET a line.
type requestReader struct {
	in     *bufio.Reader
	format string
	bound  *boundedReader
	dec    *jsontext.Decoder // nil for lines
	begun  bool
	read   int // requests
}

func newRequestReader(in io.Reader, format string) *requestReader {
	if open, ok := in.(input); ok {
		in = open.Reader
	}
	return &requestReader{in: bufio.NewReaderSize(in, maxQueryBytes+len("\r\n")), format: format}
}

// detectRequests skips the mark of UTF-8 and white space, and decides what the file has.
func (r *requestReader) detectRequests() {
	r.begun = true
	if start, _ := r.in.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		_, _ = r.in.Discard(len(byteOrderMark)) // it was peeked
	}
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return // the next read returns it, too
		}
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			continue
		}
		_ = r.in.UnreadByte() // it was read
		isJSON := c == '{' || c == '['
		if r.format != pixel.Name && (r.format != snowplow.Name || isJSON) {
			r.bound = &boundedReader{in: r.in}
			r.dec = lenientDecoder(r.bound)
		}
		return
	}
}

// nextRequest returns the next request, which is valid until the next call, or io.EOF
// after the last one.
func (r *requestReader) nextRequest() (sentRequest, error) {
	if !r.begun {
		r.detectRequests()
	}
	if r.dec == nil {
		return r.nextQuery()
	}
	r.bound.left = maxRequestBytes
	body, err := r.dec.ReadValue()
	switch {
	case errors.Is(err, errLongValue):
		return sentRequest{}, usageErrorf("request %d: is longer than %d bytes", r.read+1, maxRequestBytes)
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return sentRequest{}, io.EOF
	case err != nil:
		return sentRequest{}, usageErrorf("request %d: %w", r.read+1, explainSyntax(err))
	}
	r.read++
	return sentRequest{body: body}, nil
}

func (r *requestReader) nextQuery() (sentRequest, error) {
	for {
		line, err := r.in.ReadSlice('\n')
		line = bytes.TrimSpace(line)
		switch {
		case errors.Is(err, bufio.ErrBufferFull), len(line) > maxQueryBytes:
			return sentRequest{}, usageErrorf("request %d: a query has at most %d bytes", r.read+1, maxQueryBytes)
		case err != nil && !errors.Is(err, io.EOF):
			return sentRequest{}, usageErrorf("request %d: %w", r.read+1, err)
		case len(line) > 0:
			r.read++
			return sentRequest{query: queryOf(string(line))}, nil
		case err != nil:
			return sentRequest{}, io.EOF
		}
	}
}

// queryOf returns the query of an address, or of text that is one, as it may stand in a
// request, and without the write key: that of the command is used.
func queryOf(line string) string {
	line, _, _ = strings.Cut(line, "#")
	if _, query, ok := strings.Cut(line, "?"); ok {
		line = query
	}
	var kept []string
	for parameter := range strings.SplitSeq(line, "&") {
		if name, _, _ := strings.Cut(parameter, "="); name != "write_key" {
			kept = append(kept, parameter)
		}
	}
	var b strings.Builder
	for _, c := range []byte(strings.Join(kept, "&")) {
		if c <= ' ' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// validateRequests validates the events of a file in the format of another product. They
// are counted over all requests.
func (v *validation) validateRequests(ctx context.Context, p *output.Printer, c *client.Client, format string, in io.Reader) error {
	requests, events := newRequestReader(in, format), int64(0)
	for {
		sent, err := requests.nextRequest()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := api.PathValidate + "?format=" + format
		if sent.query != "" {
			path += "&" + sent.query
		}
		var answer api.ValidateResponse
		if _, err := c.Call(ctx, client.Request{Method: http.MethodPost, Path: path, Body: sent.body}, &answer); err != nil {
			switch client.Status(err) {
			case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
				return fmt.Errorf("request %d: %w", requests.read, err)
			}
			return err
		}
		results := make([]judged, 0, len(answer.Results))
		for _, r := range answer.Results {
			events++
			results = append(results, judged{events, r})
		}
		if err := v.addResults(p, results); err != nil {
			return err
		}
	}
}
