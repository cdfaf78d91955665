package check

import (
	"fmt"
	"slices"
	"strings"
)

// DockerfileFaults returns the faults of the stages of a Dockerfile, given
// as its text: images that are not pinned, and stages with a command that would
// run it as root.
func DockerfileFaults(text string) []string {
	var faults []string
	for _, s := range parseStages(text) {
		if s.from == nil && s.base != "scratch" && !pinned.MatchString(s.base) {
			faults = append(faults, fmt.Sprintf("stage %s: %s is not pinned", s.name, s.base))
		}
		if user := s.runsAs(); s.runs && (user == "" || user == "root" || strings.HasPrefix(user, "0")) {
			faults = append(faults, fmt.Sprintf("stage %s: runs as root", s.name))
		}
	}
	slices.Sort(faults)
	return faults
}

// stage is one FROM of a Dockerfile and what matters of the lines below it.
type stage struct {
	name, base, user string
	from             *stage // the earlier stage that base names, or nil
	runs             bool   // it has an entrypoint, so it is started
}

func parseStages(text string) []*stage {
	var stages []*stage
	byName := map[string]*stage{}
	current := &stage{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "FROM":
			current = &stage{name: words[len(words)-1], base: words[1], from: byName[words[1]]}
			byName[current.name] = current
			stages = append(stages, current)
		case "USER":
			current.user = words[1]
		case "ENTRYPOINT":
			current.runs = true
		}
	}
	return stages
}

// runsAs returns the stage's user, or that of the stage it builds upon.
func (s *stage) runsAs() string {
	for ; s != nil; s = s.from {
		if s.user != "" {
			return s.user
		}
	}
	return ""
}
