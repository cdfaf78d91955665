package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// readTimeout bounds one reading of stream and store.
const readTimeout = 10 * time.Second

// errEarly means that the newest messages are not on the replica that answered.
var errEarly = errors.New("the stream has not answered all messages yet")

// Outcomes is what a Hub needs of a store.
type Outcomes interface {
	Held(ctx context.Context, ids []string) (map[string]store.Held, error)
	Lookup(ctx context.Context, ids []string) ([]*store.Document, error)
}

// reader reads outcomes by their messages. It is safe for concurrent use.
type reader struct {
	js    jetstream.JetStream
	store Outcomes
}

// bounds name the stream, and the last message up to which every one has an outcome.
type bounds struct {
	epoch int64
	floor uint64
}

// readBounds asks for the bounds. The floor is read first: it only rises.
func (r *reader) readBounds(ctx context.Context) (b bounds, err error) {
	if r.js == nil || !r.js.Conn().IsConnected() {
		return b, nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	consumer, err := r.js.Consumer(ctx, stream.Name, stream.Consumer)
	if err != nil {
		return b, fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	events, err := r.js.Stream(ctx, stream.Name)
	if err != nil {
		return b, fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	info := events.CachedInfo()
	return bounds{
		epoch: stream.EpochOf(info),
		floor: min(consumer.CachedInfo().AckFloor.Stream, info.State.LastSeq),
	}, nil
}

// outcomes are those of a part of the stream, up to the message last. It has either
// all messages of the part, or none of them.
type outcomes struct {
	documents []*store.Document
	// seqs are the sequences of the documents' messages.
	seqs []uint64
	// missing counts the messages of a part that the stream does not have.
	missing uint64
	last    uint64
}

// readPortion reads the outcomes of the next messages in (after, upTo], at most a
// portion of the stream. The error is errEarly where the stream shows none.
func (r *reader) readPortion(ctx context.Context, epoch int64, after, upTo uint64) (outcomes, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	for messages, err := range stream.Read(ctx, r.js, stream.Range{First: after + 1, Last: upTo}) {
		if err != nil {
			return outcomes{}, err
		}
		if missing := messages[0].Seq - after - 1; missing > 0 {
			return outcomes{missing: missing, last: after + missing}, nil
		}
		return r.lookUp(ctx, epoch, contiguous(messages))
	}
	return outcomes{}, errEarly
}

// contiguous returns the messages before the first one that is missing.
func contiguous(messages []stream.Raw) []stream.Raw {
	for i, m := range messages {
		if m.Seq != messages[0].Seq+uint64(i) {
			return messages[:i]
		}
	}
	return messages
}

// lookUp returns the documents whose origins the messages are. Documents are read
// only where the light form says that they are: others may be large, and many.
func (r *reader) lookUp(ctx context.Context, epoch int64, messages []stream.Raw) (outcomes, error) {
	found := outcomes{last: messages[len(messages)-1].Seq}
	ids := make([]string, 0, 2*len(messages))
	for _, m := range messages {
		id, conflict := outcome.IDs(m)
		ids = append(ids, id, conflict)
	}
	held, err := r.store.Held(ctx, ids)
	if err != nil {
		return outcomes{}, fmt.Errorf("look up outcomes: %w", err)
	}
	seqs := map[string]uint64{}
	var wanted []string
	for i, id := range ids {
		seq := messages[i/2].Seq
		h, ok := held[id]
		if ok && h.Origin == (store.Origin{Epoch: epoch, Seq: seq}) && seqs[id] == 0 {
			seqs[id] = seq
			wanted = append(wanted, id)
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	docs, err := r.store.Lookup(ctx, wanted)
	if err != nil {
		return outcomes{}, fmt.Errorf("look up outcomes: %w", err)
	}
	byID := make(map[string]*store.Document, len(docs))
	for _, d := range docs {
		byID[d.ID] = d
	}
	for _, id := range wanted { // in the order of the stream
		if d := byID[id]; d != nil {
			found.documents = append(found.documents, d)
			found.seqs = append(found.seqs, seqs[id])
		}
	}
	return found, nil
}
