package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// guided is what the blocks of docs/replay.md print, among other things.
var guided = []string{
	"", "shop / order: created", "accepted 4, refused 0", "schema_violation",
	"not this one", "2 newly valid, 0 newly rejected, 1 still rejected, 1 unchanged",
	"shop / order: changed", "2 newly valid, 0 newly rejected, 1 still rejected, 0 unchanged",
	"2 newly valid, 0 newly rejected, 1 still rejected, 0 unchanged", `{"total":7}`,
	"3 stored, 1 rejected, 0 later copies, 0 pending, 0 expired, 0 purged, 0 MISSING", "when received",
	"accepted 1, refused 0", "unknown_type", "shop / basket: created", "1 newly valid, 0 newly rejected, 0 still rejected",
}

// TestReplayGuide runs the commands of docs/replay.md in their order, as printed.
func TestReplayGuide(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "replay.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := typed(string(text))
	if len(blocks) != len(guided) {
		t.Fatalf("the guide has %d blocks: %q", len(blocks), blocks)
	}
	listen, _ := standard(t, binaries(t).TheEye)
	testWalk(t, blocks, guided, listen)
}
