package columns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/theeye/theeye/shared/query/filter"
)

// someRows returns ascending rows below n.
func someRows(r *rand.Rand, n int) (rows []uint32) {
	for row := range uint32(n) {
		if r.IntN(3) == 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func TestCodesAreThoseThatWerePacked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	for _, largest := range []uint32{0, 1, math.MaxUint8, math.MaxUint8 + 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxUint32} {
		for _, n := range []int{0, 1, 1000} {
			want := make([]uint32, n)
			for i := range want {
				want[i] = uint32(r.Uint64N(uint64(largest) + 1))
			}
			if n > 0 {
				want[r.IntN(n)] = largest
			}
			c := PackCodes(want)
			if c.Len() != n || !slices.Equal(c.unpackCodes(), want) {
				t.Fatalf("%d codes up to %d: %v, want %v", n, largest, c.unpackCodes(), want)
			}
			rows := someRows(r, n)
			gathered := make([]uint32, len(rows))
			c.Gather(gathered, rows)
			for i, row := range rows {
				if c.CodeAt(int(row)) != want[row] || gathered[i] != want[row] {
					t.Fatalf("code of row %d of %d up to %d: %d and %d, want %d", row, n, largest, c.CodeAt(int(row)), gathered[i], want[row])
				}
			}
			from := r.IntN(n + 1)
			read := make([]uint32, r.IntN(n-from+1))
			if c.Read(read, from); !slices.Equal(read, want[from:from+len(read)]) {
				t.Fatalf("codes from %d: %v, want %v", from, read, want[from:])
			}
		}
	}
}

func TestCodesTakeNoMoreBytesThanTheLargestNeeds(t *testing.T) {
	for largest, size := range map[uint32]int{math.MaxUint8: 1, math.MaxUint8 + 1: 2, math.MaxUint16: 2, math.MaxUint16 + 1: 4} {
		if c := PackCodes([]uint32{largest, 0}); c.countBytes() != 2*size {
			t.Errorf("2 codes up to %d take %d bytes", largest, c.countBytes())
		}
	}
}

// packedTimes are kinds of times that are held differently.
var packedTimes = map[string]struct {
	base, unit, span int64
	bytes            int
}{
	"whole milliseconds of a day": {1_790_000_000_000_000, 1000, 86_400_000_000, 4},
	"microseconds of an hour":     {1_790_000_000_000_001, 1, 3_600_000_000, 4},
	"microseconds of a day":       {1_790_000_000_000_001, 1, 86_400_000_000, 5},
	"milliseconds of years":       {-5_000, 1000, 1 << 49, 5},
	"microseconds of years":       {-12_345, 1, 1 << 50, 8},
	"all times":                   {math.MinInt64 + 1, 1, math.MaxInt64, 8},
	"one time":                    {7, 1, 1, 4},
}

func TestTimesAreThoseThatWerePacked(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 6))
	for name, kind := range packedTimes {
		for _, n := range []int{0, 1, 100, timeBlockRows, 2*timeBlockRows + 300} {
			for _, missing := range []int64{math.MinInt64, math.MaxInt64} {
				for _, gaps := range []int{0, 3, 1} {
					want := make([]int64, n)
					for i := range want {
						want[i] = kind.base + r.Int64N(kind.span/kind.unit)*kind.unit
						if gaps > 0 && r.IntN(gaps) == 0 {
							want[i] = missing
						}
					}
					times := packTimes(want, missing)
					checkTimes(t, fmt.Sprintf("%s, %d rows, one in %d missing", name, n, gaps), times, want, r)
					if per := times.countBytes() / max(n, 1); n > timeBlockRows && gaps == 0 && per != kind.bytes {
						t.Errorf("%s: %d bytes a row, want %d", name, per, kind.bytes)
					}
				}
			}
		}
	}
}

func checkTimes(t *testing.T, name string, times *Times, want []int64, r *rand.Rand) {
	t.Helper()
	if times.Len() != len(want) || !slices.Equal(times.unpackTimes(), want) {
		t.Fatalf("%s: %v, want %v", name, times.unpackTimes(), want)
	}
	rows := someRows(r, len(want))
	for len(rows) > 0 {
		block := rows[:1+r.IntN(len(rows))]
		rows = rows[len(block):]
		gathered := make([]int64, len(block))
		times.Gather(gathered, block)
		for i, row := range block {
			if gathered[i] != want[row] || times.TimeAt(int(row)) != want[row] {
				t.Fatalf("%s: time of row %d is %d and %d, want %d", name, row, gathered[i], times.TimeAt(int(row)), want[row])
			}
		}
	}
	from := r.IntN(len(want) + 1)
	read := make([]int64, r.IntN(len(want)-from+1))
	if times.Read(read, from); !slices.Equal(read, want[from:from+len(read)]) {
		t.Fatalf("%s: times from %d differ", name, from)
	}
}

// A distance with all bits set is not one that a time can have.
func TestLongestDistanceIsNotTakenForAMissingTime(t *testing.T) {
	for _, span := range []int64{missingShort - 1, missingShort, missingShort + 1, missingLong - 1, missingLong, missingLong + 1} {
		for _, unit := range timeUnits {
			want := []int64{1, 1 + span*unit, math.MinInt64}
			if got := packTimes(want, math.MinInt64).unpackTimes(); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
	}
}

func TestValuesAreThoseThatWerePacked(t *testing.T) {
	texts := []filter.Value{{}, filter.Text("b"), filter.Text(""), filter.Text("äö"), filter.Text("a")}
	numbers := []filter.Value{{}, filter.Int(3), filter.Number("0.25"), filter.Number("9007199254740993"), filter.Number("-1e300")}
	for name, want := range map[string][]filter.Value{
		"texts": texts, "numbers": numbers, "both": slices.Concat(texts, numbers[1:]), "booleans": {{}, filter.Bool(true), filter.Bool(false)},
		"none": {{}}, "text and null": {{}, filter.Text("x"), filter.Null()}, "number and text": {{}, filter.Int(1), filter.Text("1")},
	} {
		values := PackValues(slices.Clone(want))
		if values.Len() != len(want) || !values.ValueOf(0).IsMissing() {
			t.Fatalf("%s: %d values, the first is %v", name, values.Len(), values.ValueOf(0))
		}
		for code, v := range values.All() {
			w := want[code]
			f, isNumber := v.Float()
			g, wantNumber := w.Float()
			if v.Kind() != w.Kind() || v.Key() != w.Key() || isNumber != wantNumber || f != g || values.Own(code).Key() != w.Key() || values.Own(code).Kind() != w.Kind() {
				t.Errorf("%s: value %d is %s, want %s", name, code, v.Key(), w.Key())
			}
			if found, ok := values.Find(w); code > 0 && (!ok || found != code) {
				t.Errorf("%s: %s is found at %d, %v", name, w.Key(), found, ok)
			}
		}
	}
	if packed := PackValues(texts); packed.list != nil || packed.countBytes() > 40 {
		t.Errorf("texts take %d bytes", packed.countBytes())
	}
}

func TestTextsAreThoseThatWereAdded(t *testing.T) {
	const low, high = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
	for _, want := range [][]string{
		{},
		{low},
		{low, high, "0193b5c2-7c1a-7000-8000-000000000001"},
		{"", "a"},
		{low, high, "x", low},
		{low, ""},
		{"FFFFFFFF-0000-0000-0000-000000000000"},
		{low, "0000000000000000000000000000000000000000"[:36]},
	} {
		texts := newIDs(len(want))
		for _, text := range want {
			texts.addID([]byte(text))
		}
		if texts.Len() != len(want) {
			t.Fatalf("%d texts, want %q", texts.Len(), want)
		}
		for row, text := range want {
			if string(texts.At(row)) != text {
				t.Errorf("text %d is %q, want %q", row, texts.At(row), text)
			}
		}
	}
	texts := newIDs(1)
	if texts.addID([]byte(low)); texts.size() != 16 {
		t.Errorf("a UUID takes %d bytes", texts.size())
	}
}
