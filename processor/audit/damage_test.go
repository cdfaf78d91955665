package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// smallRoom is a size that gives the stream blocks of some 30 events of a kilobyte.
const smallRoom = 64 << 10

// messageAt is the position of a message in the file of a block.
type messageAt struct {
	seq           uint64
	offset, bytes int
}

// messagesOf reads the file of a block: each message begins with its length,
// whose highest bit marks headers, and its sequence.
func (fx *fixture) messagesOf(block string) (all []messageAt) {
	fx.t.Helper()
	raw, err := os.ReadFile(block)
	fx.must(err)
	for at := 0; at < len(raw); {
		m := messageAt{
			seq:    binary.LittleEndian.Uint64(raw[at+4:]),
			offset: at, bytes: int(binary.LittleEndian.Uint32(raw[at:]) &^ (1 << 31)),
		}
		all, at = append(all, m), at+m.bytes
	}
	return all
}

func seqsOf(messages []messageAt) []uint64 {
	seqs := make([]uint64, len(messages))
	for i, m := range messages {
		seqs[i] = m.seq
	}
	return seqs
}

// large returns n events of about a kilobyte.
func large(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = pageview(fmt.Sprintf("%s%d", prefix, i), "data", `{"host":"h","path":"`+strings.Repeat("x", 600)+`"}`)
	}
	return all
}

// lostIn returns the ranges of consecutive sequences.
func lostIn(seqs []uint64) (ranges []job.Range) {
	for _, s := range spans(seqs) {
		ranges = append(ranges, job.Range{From: s.from, To: s.to, Reason: job.LostInStream})
	}
	return ranges
}

// tailLost is the damage after which the server itself no longer knows the end that
// the stream had.
const tailLost = "the last block and the index deleted"

// remove returns a damage that deletes the block that pick returns.
func remove(pick func(blocks []string) string) func(*fixture, []string) []uint64 {
	return func(fx *fixture, blocks []string) []uint64 {
		victim := pick(blocks)
		lost := seqsOf(fx.messagesOf(victim))
		fx.must(os.Remove(victim))
		return lost
	}
}

// damages damage files, and return the sequences that are lost.
var damages = map[string]func(fx *fixture, blocks []string) []uint64{
	"nothing":                 func(*fixture, []string) []uint64 { return nil },
	"the first block deleted": remove(func(b []string) string { return b[0] }),
	"a middle block deleted":  remove(func(b []string) string { return b[len(b)/2] }),
	"the last block deleted":  remove(func(b []string) string { return b[len(b)-1] }),
	"the last block truncated": func(fx *fixture, b []string) []uint64 {
		messages := fx.messagesOf(b[len(b)-1])
		cut := messages[len(messages)/2]
		fx.must(os.Truncate(b[len(b)-1], int64(cut.offset+cut.bytes/2)))
		return seqsOf(messages[len(messages)/2:])
	},
	tailLost: func(fx *fixture, b []string) []uint64 {
		last := b[len(b)-1]
		fx.must(os.Remove(filepath.Join(filepath.Dir(last), "index.db")))
		lost := seqsOf(fx.messagesOf(last))
		fx.must(os.Remove(last))
		return lost
	},
	"one bit flipped in one message": func(fx *fixture, b []string) []uint64 {
		m := fx.messagesOf(b[2])[7]
		fx.flip(b[2], m.offset+m.bytes-30, 3)
		return []uint64{m.seq}
	},
	"a bit flipped in each of two blocks, another block deleted": func(fx *fixture, b []string) []uint64 {
		// Because of the deleted block the server reads all others again, and drops
		// the rest of a block after a flipped bit.
		first, second := fx.messagesOf(b[0])[9:], fx.messagesOf(b[3])[4:]
		lost := slices.Concat(seqsOf(first), seqsOf(fx.messagesOf(b[1])), seqsOf(second))
		fx.flip(b[0], first[0].offset+first[0].bytes-9, 0)
		fx.flip(b[3], second[0].offset+second[0].bytes/2, 7)
		fx.must(os.Remove(b[1]))
		return lost
	},
}

func TestAuditNamesExactlyTheEventsOfDamagedBlocks(t *testing.T) {
	const n = 250
	for name, damage := range damages {
		for _, since := range []int{0, 40} {
			t.Run(fmt.Sprintf("%s, %d published since", name, since), func(t *testing.T) {
				fx := newFixtureOn(t, newMemory(), smallRoom)
				fx.publish(large("e", n)...)
				fx.settleNext(n, nil)
				fx.must(fx.marks().Advance(fx.ctx, n))
				var lost []uint64
				fx.damageFiles(func(blocks []string) {
					if len(blocks) < 5 {
						t.Fatalf("there are %d blocks", len(blocks))
					}
					lost = damage(fx, blocks)
				})
				last := fx.state().LastSeq
				if forgot := last < n; forgot != (name == tailLost) {
					t.Errorf("the stream ends at %d", last)
				}
				if since > 0 {
					last = fx.publish(large("since", since)...)
				}
				want := job.Account{
					FromSeq: 1, ToSeq: last, Stored: n - uint64(len(lost)), Pending: uint64(since),
					Missing: uint64(len(lost)), LostInStream: uint64(len(lost)),
					MissingSequences: append([]uint64{}, lost...), MissingRanges: lostIn(lost),
				}
				if name == tailLost {
					want.LostTail = want.LostInStream
				}
				fx.wantAccount(fx.auditAll(), want)
				// A second audit finds the same, also through a consumer.
				fx.wantAccount(fx.auditSelection(fx.consumingAuditor(), job.Selection{}, false), want)
			})
		}
	}
}

// flip flips a bit of a file.
func (fx *fixture) flip(file string, offset, bit int) {
	fx.t.Helper()
	raw, err := os.ReadFile(file)
	fx.must(err)
	raw[offset] ^= 1 << bit
	fx.must(os.WriteFile(file, raw, 0o600))
}

// Whatever the damage, the audit names the events that the server no longer has, and
// no others.
func TestAuditNamesTheEventsOfRandomDamage(t *testing.T) {
	const n = 200
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			fx := newFixtureOn(t, newMemory(), smallRoom)
			fx.publish(large("e", n)...)
			fx.settleNext(n, nil)
			fx.must(fx.marks().Advance(fx.ctx, n))
			fx.damageFiles(func(blocks []string) {
				for range 1 + rnd.IntN(3) {
					fx.destroy(rnd, blocks[rnd.IntN(len(blocks))])
				}
			})
			var lost []uint64
			for seq := uint64(1); seq <= n; seq++ {
				if !fx.isReadable(seq) {
					lost = append(lost, seq)
				}
			}
			a := fx.auditor()
			if seed%2 == 0 {
				a = fx.consumingAuditor()
			}
			got := fx.auditSelection(a, job.Selection{}, false)
			if !slices.Equal(got.MissingSequences, lost) || got.Stored != n-uint64(len(lost)) || got.MissingInStore != 0 {
				t.Errorf("lost are %v\nnamed are %v\n%+v", spans(lost), got.MissingRanges, got)
			}
			t.Logf("%d lost", len(lost))
		})
	}
}

// destroy damages a file once.
func (fx *fixture) destroy(rnd *rand.Rand, file string) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return
	}
	fx.must(err)
	size := int(info.Size())
	switch rnd.IntN(5) {
	case 0:
		fx.must(os.Remove(file))
	case 1:
		fx.must(os.Truncate(file, int64(rnd.IntN(size))))
	default:
		for range 1 + rnd.IntN(3) {
			fx.flip(file, rnd.IntN(size), rnd.IntN(8))
		}
	}
}

// isReadable reports whether the library's read returns a message.
func (fx *fixture) isReadable(seq uint64) bool {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	_, err = s.GetMsg(fx.ctx, seq)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		fx.t.Fatal(err)
	}
	return err == nil
}

// More events are lost than one probe covers, and than a report names.
func TestAuditCountsMoreLossesThanItNames(t *testing.T) {
	const n = 4000
	fx := newFixtureOn(t, newMemory(), smallRoom)
	fx.publish(large("e", n)...)
	fx.settleNext(n, nil)
	fx.must(fx.marks().Advance(fx.ctx, n))
	lost := 0
	fx.damageFiles(func(blocks []string) {
		for _, b := range blocks[20:80] {
			lost += len(fx.messagesOf(b))
			fx.must(os.Remove(b))
		}
	})
	got := fx.auditAll()
	if int(got.LostInStream) != lost || len(got.MissingRanges) != 1 || len(got.MissingSequences) != job.MaxNamed || got.Stored != n-uint64(lost) {
		t.Errorf("%d are lost: %d, %d named, %v", lost, got.LostInStream, len(got.MissingSequences), got.MissingRanges)
	}
}

// A running server that cannot read a file does not answer any read of many
// messages.
func TestAuditCompletesWhenAFileVanishesUnderTheServer(t *testing.T) {
	const n = 200
	for name, auditor := range map[string]func(*fixture) *Auditor{
		"requests": func(fx *fixture) *Auditor { return fx.auditor() },
		"consumer": (*fixture).consumingAuditor,
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixtureOn(t, newMemory(), smallRoom)
			fx.publish(large("e", n)...)
			fx.settleNext(n, nil)
			fx.must(fx.marks().Advance(fx.ctx, n))
			fx.damageFiles(func([]string) {}) // the restart empties the caches
			lost := remove(func(b []string) string { return b[2] })(fx, fx.blocks())
			a := auditor(fx)
			a.silenceLimit = 500 * time.Millisecond
			fx.wantAccount(fx.auditSelection(a, job.Selection{}, false), job.Account{
				FromSeq: 1, ToSeq: n, Stored: n - uint64(len(lost)), Missing: uint64(len(lost)), LostInStream: uint64(len(lost)),
				MissingSequences: lost, MissingRanges: lostIn(lost),
			})
		})
	}
}

// consumingAuditor is an auditor that reads short ranges as long ones.
func (fx *fixture) consumingAuditor() *Auditor {
	fx.t.Helper()
	a := fx.auditor()
	a.readStream = stream.Consume
	return a
}
