package analytics

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
)

// fixedPoint is a representation of numbers in which sums are exact: integers of so
// many words, in two's complement, in units of 2^low. It is made for the values that a
// question adds up, so common ones need two words.
type fixedPoint struct {
	low, high int
	words     int
	any       bool
}

// include makes the representation hold a number, of which integer is exact where it is
// not nil.
func (p *fixedPoint) include(double float64, integer *big.Int) {
	var low, high int
	if integer != nil {
		low, high = int(integer.TrailingZeroBits()), integer.BitLen()
	} else {
		m, exponent := splitDouble(double)
		if m == 0 {
			return
		}
		low = exponent + bits.TrailingZeros64(uint64(m))
		high = exponent + mantissaBits
	}
	p.includeRange(&fixedPoint{low: low, high: high, any: true})
}

// includeRange makes the representation hold the numbers of another.
func (p *fixedPoint) includeRange(other *fixedPoint) {
	switch {
	case !other.any:
	case !p.any:
		p.low, p.high, p.any = other.low, other.high, true
	default:
		p.low, p.high = min(p.low, other.low), max(p.high, other.high)
	}
}

// mostNumbers is more numbers than are ever added up.
const mostNumbers = 1 << 48

// fit sets the width so that the sum of mostNumbers numbers fits, with their sign.
func (p *fixedPoint) fit() {
	p.words = (p.high-p.low+bits.Len64(mostNumbers)+1)/64 + 1
}

// mantissaBits is the number of bits of the mantissa of a double.
const mantissaBits = 53

// splitDouble returns a finite double as m × 2^exponent, exactly.
func splitDouble(f float64) (m int64, exponent int) {
	const bias = 1023
	if b := math.Float64bits(f); b>>52&(1<<11-1) != 0 {
		m = int64(b&(1<<52-1) | 1<<52)
		if f < 0 {
			m = -m
		}
		return m, int(b>>52&(1<<11-1)) - bias - (mantissaBits - 1)
	} // 0, or too small to have all bits
	fraction, exponent := math.Frexp(f)
	return int64(math.Ldexp(fraction, mantissaBits)), exponent - mantissaBits
}

// mostExact bounds the integers that are kept with more digits than a double has: they
// have at most 34.
const mostExact = 1e34

// wideInteger returns a number that counts exactly and is no double: an integer beyond
// 2^53. It returns nil for any other number, which counts as its nearest double f.
func wideInteger(v filter.Value, f float64) *big.Int {
	if abs := math.Abs(f); abs < safeInteger || abs > mostExact {
		return nil
	}
	text, _ := v.NumberText()
	exact, ok := new(big.Rat).SetString(text)
	if !ok || !exact.IsInt() {
		return nil
	}
	if nearest, _ := new(big.Float).SetFloat64(f).Int(nil); nearest.Cmp(exact.Num()) == 0 {
		return nil
	}
	return exact.Num()
}

// appendNumber appends the words of a number, the lowest first.
func (p *fixedPoint) appendNumber(dst []uint64, double float64, integer *big.Int) []uint64 {
	if integer == nil {
		m, exponent := splitDouble(double)
		return p.appendShifted(dst, m, exponent-p.low)
	}
	m := new(big.Int).Rsh(integer, 0)
	if p.low <= 0 {
		m.Lsh(m, uint(-p.low))
	} else {
		m.Rsh(m, uint(p.low)) // zeros alone
	}
	if m.Sign() < 0 {
		m.Add(m, new(big.Int).Lsh(big.NewInt(1), uint(64*p.words)))
	}
	var word big.Int
	for range p.words {
		dst = append(dst, word.And(m, maxWord).Uint64())
		m.Rsh(m, 64)
	}
	return dst
}

// appendShifted appends the words of m × 2^shift, which is an integer.
func (p *fixedPoint) appendShifted(dst []uint64, m int64, shift int) []uint64 {
	if m == 0 {
		return append(dst, make([]uint64, p.words)...)
	}
	if shift < 0 {
		m >>= uint(-shift) // zeros alone
		shift = 0
	}
	low, high := uint64(m)<<(shift%64), uint64(m>>(63-shift%64)>>1)
	for i := range p.words {
		switch {
		case i < shift/64:
			dst = append(dst, 0)
		case i == shift/64:
			dst = append(dst, low)
		case i == shift/64+1:
			dst = append(dst, high)
		default:
			dst = append(dst, uint64(m>>63))
		}
	}
	return dst
}

var maxWord = new(big.Int).SetUint64(math.MaxUint64)

// addWords adds a number to a sum of the same width.
func addWords(sum, number []uint64) {
	if len(sum) == 2 && len(number) == 2 {
		var carry uint64
		sum[0], carry = bits.Add64(sum[0], number[0], 0)
		sum[1], _ = bits.Add64(sum[1], number[1], carry)
		return
	}
	var carry uint64
	for i, w := range number {
		sum[i], carry = bits.Add64(sum[i], w, carry)
	}
}

// integer returns a sum in units of 2^low.
func integer(sum []uint64) *big.Int {
	var m, word big.Int
	for i := len(sum) - 1; i >= 0; i-- {
		m.Lsh(&m, 64).Or(&m, word.SetUint64(sum[i]))
	}
	if sum[len(sum)-1]>>63 == 1 {
		m.Sub(&m, word.Lsh(big.NewInt(1), uint(64*len(sum))))
	}
	return &m
}

// safeInteger is up to where every integer is a double.
const safeInteger = 1 << 53

// safeSum returns a sum whose integer is a double, and no part of which can get lost
// near zero.
func (p *fixedPoint) safeSum(sum []uint64) (float64, bool) {
	m := int64(sum[0])
	for _, w := range sum[1:] {
		if w != uint64(m>>63) {
			return 0, false
		}
	}
	return float64(m), m > -safeInteger && m < safeInteger && p.low > -900 && p.low < 900
}

// roundSum returns a sum, rounded once to the nearest double; infinite beyond the
// largest one.
func (p *fixedPoint) roundSum(sum []uint64) float64 {
	if f, ok := p.safeSum(sum); ok {
		return math.Ldexp(f, p.low)
	}
	f, _ := p.exactSum(sum).Float64()
	return f
}

func (p *fixedPoint) exactSum(sum []uint64) *big.Float {
	return new(big.Float).SetMantExp(new(big.Float).SetInt(integer(sum)), p.low)
}

// formatSum writes a sum, rounded once.
func (p *fixedPoint) formatSum(sum []uint64) api.Figure {
	f := p.roundSum(sum)
	if math.IsInf(f, 0) {
		return api.Figure(p.exactSum(sum).SetPrec(mantissaBits).Text('g', -1))
	}
	return formatFloat(f)
}

// roundMean returns a sum divided by a count, which is not 0, rounded once.
func (p *fixedPoint) roundMean(sum []uint64, count int64) float64 {
	if f, ok := p.safeSum(sum); ok && count < safeInteger {
		return math.Ldexp(f/float64(count), p.low)
	}
	over, under := integer(sum), big.NewInt(count)
	if p.low >= 0 {
		over.Lsh(over, uint(p.low))
	} else {
		under.Lsh(under, uint(-p.low))
	}
	f, _ := new(big.Rat).SetFrac(over, under).Float64()
	return f
}

// formatFloat writes a double as JSON, in the shortest form that parses to it.
func formatFloat(f float64) api.Figure {
	if f == 0 {
		return "0"
	}
	format := byte('f')
	if abs := math.Abs(f); abs < 1e-6 || abs >= 1e21 {
		format = 'e'
	}
	return api.Figure(strconv.FormatFloat(f, format, -1, 64))
}

func formatCount(n int64) api.Figure { return api.Figure(strconv.FormatInt(n, 10)) }
