package clients

import (
	"os/exec"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// node returns the path of a Node.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("the JavaScript client needs node: run deploy/test-node.sh, which says how to get it, and run this again (%v)", err)
	}
	return path
}

func TestNodeClientLosesNothing(t *testing.T) {
	testFaults(t, func(t *testing.T, url, session string) sender {
		t.Helper()
		return startObedient(t, node(t), "site.mjs", url, harness.WriteKey, session)
	})
}

func TestKilledNodeSiteLosesNothing(t *testing.T) { testKilledSite(t, node(t), "site.mjs") }
