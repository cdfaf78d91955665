package schema

import "regexp/syntax"

const (
	// maxSimulated bounds the instructions that are visited to estimate the cost
	// of one pattern.
	maxSimulated = 200_000
)

// patternCost is the work of matching one pattern, in instructions that are alive at
// a byte of the string: one costs about a unit of work.
type patternCost struct {
	// upTo are the sums of the instructions that can be alive up to each of the first
	// positions.
	upTo []Work
	// after is how many can be alive at each position after these, most at any.
	after, most Work
}

// workOf returns the work of matching a string.
func (p patternCost) workOf(bytes int) Work {
	total := patternWork
	positions := bytes + 1 // the end of the string is one
	known := min(positions, len(p.upTo))
	if known > 0 {
		total += p.upTo[known-1]
	}
	return total + p.after*Work(positions-known)
}

// newPatternCost estimates a pattern by running its program on a string whose every
// character is every character at once.
func newPatternCost(pattern string) patternCost {
	translated, err := translatePattern(pattern)
	if err != nil {
		return patternCost{}
	}
	parsed, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		return patternCost{}
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return patternCost{}
	}
	var cost patternCost
	s := simulation{program: program, seen: make([]int, len(program.Inst))}
	floats := program.StartCond()&syntax.EmptyBeginText == 0
	alive := s.follow([]uint32{uint32(program.Start)}, true)
	var total Work
	for s.visited < maxSimulated {
		total += Work(len(alive))
		cost.most = max(cost.most, Work(len(alive)))
		cost.upTo = append(cost.upTo, total)
		var next []uint32
		for _, pc := range alive {
			if inst := program.Inst[pc]; consumes(inst.Op) {
				next = append(next, inst.Out)
			}
		}
		if floats {
			next = append(next, uint32(program.Start))
		}
		if len(next) == 0 { // the match has ended
			return cost
		}
		following := s.follow(next, false)
		if sameInstructions(following, alive) {
			cost.after = Work(len(following))
			return cost
		}
		alive = following
	}
	cost.after = Work(len(program.Inst))
	cost.most = cost.after
	return cost
}

// simulation runs a program.
type simulation struct {
	program *syntax.Prog
	seen    []int // by instruction: the round that reached it
	round   int
	visited int
}

// follow returns the instructions that are alive when those of start are reached: at
// the beginning of the text, or anywhere after it.
func (s *simulation) follow(start []uint32, begin bool) []uint32 {
	s.round++
	var alive []uint32
	for stack := start; len(stack) > 0; {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.seen[pc] == s.round {
			continue
		}
		s.seen[pc] = s.round
		s.visited++
		alive = append(alive, pc)
		switch inst := s.program.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, inst.Out)
		case syntax.InstEmptyWidth:
			if begin || syntax.EmptyOp(inst.Arg)&syntax.EmptyBeginText == 0 {
				stack = append(stack, inst.Out)
			}
		}
	}
	return alive
}

func consumes(op syntax.InstOp) bool {
	switch op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

// sameInstructions reports whether two sets of the same program are equal.
func sameInstructions(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	set := make(map[uint32]bool, len(a))
	for _, pc := range a {
		set[pc] = true
	}
	for _, pc := range b {
		if !set[pc] {
			return false
		}
	}
	return true
}
