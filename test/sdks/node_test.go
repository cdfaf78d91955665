package sdks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/test/harness"
)

var segmentNode = sdk{
	name: "segment analytics-node", translate: fromSegment, calls: segmentCalls,
	start: func(t *testing.T, address string) site { return startNode(t, "analytics-node", address) },
}

var rudderNode = sdk{
	name: "rudder-sdk-node", translate: fromSegment, calls: segmentCalls,
	start: func(t *testing.T, address string) site { return startNode(t, "rudder-sdk-node", address) },
}

var snowplowNode = sdk{
	name: "snowplow node-tracker", translate: fromSnowplow, calls: snowplowCalls,
	start: func(t *testing.T, address string) site { return startNode(t, "node-tracker", address) },
}

var cloudEventsNode = sdk{
	name: "cloudevents of npm", translate: fromCloudEvents,
	calls: []call{
		cloudEventsCalls[0],
		{"com.example.cart", "added", map[string]string{"source": "/MARK", "id": "structured", "data.count": "12", "plan": "pro", "sessionid": "a session"}},
	},
	start: func(t *testing.T, address string) site { return startNode(t, "cloudevents", address) },
}

// nodeModules returns the folder with the packages of node/package-lock.json.
func nodeModules(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("EYE_TEST_SDKS")
	if folder == "" {
		t.Fatal("set EYE_TEST_SDKS to the output of deploy/test-sdks.sh, or run make sdks")
	}
	return folder
}

// nodeSite is a process of node/site.cjs.
type nodeSite struct {
	marks   io.Writer
	answers *bufio.Scanner
}

func startNode(t *testing.T, name, address string) site {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "node/site.cjs", name, address, harness.WriteKey, at.UTC().Format(time.RFC3339Nano))
	cmd.Env = append(os.Environ(), "SDKS_NODE_MODULES="+nodeModules(t))
	marks, answers := harness.StartSite(t, cmd)
	return &nodeSite{marks: marks, answers: answers}
}

// send returns what the site answers. SDKs may print to the same output.
func (s *nodeSite) send(_ context.Context, mark string) error {
	if _, err := fmt.Fprintln(s.marks, mark); err != nil {
		return err
	}
	for s.answers.Scan() {
		if answer, ok := strings.CutPrefix(s.answers.Text(), "> "); ok && answer != "" {
			return errors.New(answer)
		} else if ok {
			return nil
		}
	}
	return errors.Join(io.ErrUnexpectedEOF, s.answers.Err())
}

// packageFile returns the path of a file of a package.
func packageFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(nodeModules(t), "node_modules", filepath.FromSlash(name))
}
