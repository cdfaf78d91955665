package columns

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/theeye/theeye/shared/query/filter"
)

// maxElements bounds the elements of all lists of a column together.
const maxElements = 4 * MaxValues

// makeData makes the column of a path. In each row the path leads, member by member,
// either to one leaf, below which the rest of the path is resolved, or to an object,
// whose leaves are put together again.
func (p *Part) makeData(ctx context.Context, path filter.Path) (*Column, error) {
	members := 0 // the segments before the first []
	for members < len(path) && !path[members].Each {
		members++
	}
	above, object := p.findLeaves(path[:members])
	if err := p.checkHeld(above, object); err != nil {
		return nil, err
	}
	r := newResolver(path.Many(), p.rows)
	if last := len(above) - 1; last >= 0 && above[last] == object && members == len(path) {
		if err := p.takeLeaf(ctx, r, object); err != nil {
			return nil, err
		}
		above = above[:last]
	}
	for _, n := range above {
		if err := p.resolveLeaf(ctx, r, n, path[depth(n):]); err != nil {
			return nil, err
		}
	}
	if object != nil && len(object.children) > 0 {
		if err := p.resolveObject(ctx, r, object, path[members:]); err != nil {
			return nil, err
		}
	}
	return r.column(), nil
}

// findLeaves returns the leaves on the way along the members, the last one included, and
// the node at the end of it, nil without one.
func (p *Part) findLeaves(members filter.Path) (above []*node, end *node) {
	n := p.tree
	for i := 0; ; i++ {
		if n.leaf >= 0 {
			above = append(above, n)
		}
		if i == len(members) {
			return above, n
		}
		if n = n.child(members[i].Name); n == nil {
			return above, nil
		}
	}
}

// checkHeld returns ErrNotHeld where the values may depend on a leaf that was left out.
func (p *Part) checkHeld(above []*node, end *node) error {
	used := above
	if end != nil {
		used = leavesBelow(end, slices.Clone(above))
	}
	for _, n := range used {
		if p.paths[n.leaf].Dropped {
			return fmt.Errorf("%w: the values of %s are over a bound", ErrNotHeld, p.paths[n.leaf].Field())
		}
	}
	// The deepest leaf on the way knows whether one was left out that matters. Without
	// one it is unknown.
	if p.truncated && (len(above) == 0 || p.paths[above[len(above)-1].leaf].Partial) {
		return fmt.Errorf("%w: there are more than %d paths", ErrNotHeld, MaxPaths)
	}
	return nil
}

// leavesBelow appends the leaves strictly below a node, in the order of paths.
func leavesBelow(n *node, list []*node) []*node {
	for _, c := range n.members() {
		if c.leaf >= 0 {
			list = append(list, c)
		}
		list = leavesBelow(c, list)
	}
	return list
}

func depth(n *node) int {
	d := 0
	for ; n.parent != nil; n = n.parent {
		d++
	}
	return d
}

// resolver collects the codes of a column.
type resolver struct {
	many  bool
	codes []uint32
	// leaf is the vector of the leaf at the end of the path, as long as it is all there
	// is: codes and values are nil then.
	leaf   *coded
	rows   int
	values []filter.Value
	// byKey are the codes of values; it is made when it is needed.
	byKey map[string]uint32
	// lists are the lists of a path with [], byList their codes.
	lists    [][]uint32
	byList   map[string]uint32
	elements int
}

func newResolver(many bool, rows int) *resolver {
	r := &resolver{many: many, rows: rows, values: make([]filter.Value, 1)}
	if many {
		r.lists, r.byList = make([][]uint32, 1), make(map[string]uint32)
	}
	return r
}

func (r *resolver) column() *Column {
	if r.leaf != nil {
		return &Column{Values: r.leaf.values, Codes: r.leaf.spread(r.rows)}
	}
	if r.codes == nil {
		r.codes = make([]uint32, r.rows)
	}
	return &Column{Values: PackValues(r.values), Codes: PackCodes(r.codes), Elements: r.lists}
}

// codeOf returns the code of what a path leads to.
func (r *resolver) codeOf(values []filter.Value) (uint32, error) {
	if len(values) == 0 {
		return 0, nil
	}
	if !r.many {
		return r.codeValue(values[0])
	}
	list := make([]uint32, len(values))
	packed := make([]byte, 0, 4*len(values))
	for i, v := range values {
		code, err := r.codeValue(v)
		if err != nil {
			return 0, err
		}
		list[i] = code
		packed = binary.LittleEndian.AppendUint32(packed, code)
	}
	if code, ok := r.byList[string(packed)]; ok {
		return code, nil
	}
	if r.elements += len(list); r.elements > maxElements {
		return 0, fmt.Errorf("%w: more than %d elements", ErrNotHeld, maxElements)
	}
	code := uint32(len(r.lists))
	r.lists = append(r.lists, list)
	r.byList[string(packed)] = code
	return code, nil
}

func (r *resolver) codeValue(v filter.Value) (uint32, error) {
	r.ownLeaf()
	if r.byKey == nil {
		r.byKey = make(map[string]uint32)
		for code, held := range r.values[1:] {
			r.byKey[held.Key()] = uint32(code + 1)
		}
	}
	key := v.Key()
	if code, ok := r.byKey[key]; ok {
		return code, nil
	}
	if len(r.values) > MaxValues {
		return 0, fmt.Errorf("%w: more than %d values", ErrNotHeld, MaxValues)
	}
	code := uint32(len(r.values))
	r.values = append(r.values, v)
	r.byKey[key] = code
	return code, nil
}

// takeLeaf starts with the values of the leaf at the end of the path, as they are.
func (p *Part) takeLeaf(ctx context.Context, r *resolver, n *node) (err error) {
	r.leaf, err = readVector[*coded](ctx, p, firstLeaf+vector(n.leaf))
	return err
}

// ownLeaf copies the values and the codes of the leaf, which are about to change.
func (r *resolver) ownLeaf() {
	if r.leaf != nil {
		r.values, r.codes = r.leaf.values.unpack(), r.leaf.spread(r.rows).unpackCodes()
		r.leaf = nil
	}
}

// setCode sets the code of a row.
func (r *resolver) setCode(row, code uint32) {
	if code == 0 {
		return
	}
	r.ownLeaf()
	if r.codes == nil {
		r.codes = make([]uint32, r.rows)
	}
	r.codes[row] = code
}

// resolveLeaf fills the rows of a leaf with what the path below it leads to. Each value
// is resolved once.
func (p *Part) resolveLeaf(ctx context.Context, r *resolver, n *node, path filter.Path) error {
	c, err := readVector[*coded](ctx, p, firstLeaf+vector(n.leaf))
	if err != nil {
		return err
	}
	codes := make([]uint32, c.values.Len())
	for i, v := range c.values.All() {
		if i%checkedSteps == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		values, _ := path.Resolve(v)
		if codes[i], err = r.codeOf(values); err != nil {
			return err
		}
	}
	for i, code := range c.codes.unpackCodes() {
		row := uint32(i)
		if c.rows != nil {
			row = c.rows[i]
		}
		r.setCode(row, codes[code])
	}
	return nil
}

// resolveObject fills the rows in which a node is an object that is not empty. Each
// combination of the values of its leaves is put together once.
func (p *Part) resolveObject(ctx context.Context, r *resolver, object *node, path filter.Path) error {
	leaves := leavesBelow(object, nil)
	vectors := make([]*coded, len(leaves))
	for i, n := range leaves {
		var err error
		if vectors[i], err = readVector[*coded](ctx, p, firstLeaf+vector(n.leaf)); err != nil {
			return err
		}
	}
	combinations, rowCodes, err := p.combine(ctx, vectors)
	if err != nil {
		return err
	}
	// Combination 0 has no leaf: the node is no such object. Others may have led to a
	// larger combination in every row.
	rowCodes, used := renumber(rowCodes, len(combinations))
	codes := make([]uint32, len(used))
	for i, n := range used {
		if i == 0 {
			continue
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		v, err := assemble(object, leaves, vectors, combinations[n])
		if err != nil {
			return err
		}
		values, _ := path.Resolve(v)
		if codes[i], err = r.codeOf(values); err != nil {
			return err
		}
	}
	for row, code := range rowCodes {
		r.setCode(uint32(row), codes[code])
	}
	return nil
}

// combine numbers the distinct combinations of the vectors' codes. Combination 0 has
// none present.
func (p *Part) combine(ctx context.Context, vectors []*coded) (combinations [][]uint32, rowCodes []uint32, err error) {
	// Vector by vector: a pair of a combination of those before and a code is a new
	// combination. Its parts are found by following parents.
	type pair struct{ before, code uint32 }
	rowCodes = make([]uint32, p.rows)
	combinations = [][]uint32{make([]uint32, len(vectors))}
	for i, c := range vectors {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		next := make(map[pair]uint32)
		for j, code := range c.codes.unpackCodes() {
			row := uint32(j)
			if c.rows != nil {
				row = c.rows[j]
			}
			if code == 0 {
				continue
			}
			key := pair{rowCodes[row], code}
			combined, ok := next[key]
			if !ok {
				if len(combinations)*len(vectors) > maxElements {
					return nil, nil, fmt.Errorf("%w: too many different objects", ErrNotHeld)
				}
				parts := append([]uint32(nil), combinations[key.before]...)
				parts[i] = code
				combined = uint32(len(combinations))
				combinations = append(combinations, parts)
				next[key] = combined
			}
			rowCodes[row] = combined
		}
	}
	return combinations, rowCodes, nil
}

// assemble puts an object together from the values of its leaves.
func assemble(object *node, leaves []*node, vectors []*coded, combination []uint32) (filter.Value, error) {
	present := make(map[*node]filter.Value, len(leaves))
	inside := map[*node]bool{object: true}
	for i, n := range leaves {
		if combination[i] == 0 {
			continue
		}
		present[n] = vectors[i].values.ValueOf(combination[i])
		for a := n.parent; !inside[a]; a = a.parent {
			inside[a] = true
		}
	}
	return filter.ParseValue(appendObject(nil, object, present, inside))
}

// appendObject appends the JSON of an object: the members that are present.
func appendObject(dst []byte, n *node, present map[*node]filter.Value, inside map[*node]bool) []byte {
	dst = append(dst, '{')
	for _, c := range n.members() {
		v, leaf := present[c]
		if !leaf && !inside[c] {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(filter.Text(c.name).AppendJSON(dst), ':')
		if leaf {
			dst = v.AppendJSON(dst)
		} else {
			dst = appendObject(dst, c, present, inside)
		}
	}
	return append(dst, '}')
}
