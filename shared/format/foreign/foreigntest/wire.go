package foreigntest

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/format"
)

var update = flag.Bool("update", false, "write what the requests under testdata become")

// CheckWire reads each request testdata/wire/*.http and compares what becomes of its
// events with the file *.txt beside it. The files are as HTTP/1.1 is on the wire,
// with the line ends of the machine, and without Content-Length.
func CheckWire(t *testing.T, f format.Format, least int) {
	paths, err := filepath.Glob(filepath.Join("testdata", "wire", "*.http"))
	if err != nil || len(paths) < least {
		t.Fatalf("%d requests, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".http"), func(t *testing.T) {
			r, body := ReadWire(t, path)
			events, _, err := CheckSplit(t, f, r, body)
			var got strings.Builder
			if err != nil {
				got.WriteString("error: " + err.Error() + "\n")
			}
			for i, e := range events {
				if i > 0 {
					got.WriteByte('\n')
				}
				got.WriteString(Describe(e))
			}
			golden := strings.TrimSuffix(path, ".http") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden) //nolint:gosec // beside the file of the test
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// ReadWire reads a request of testdata.
func ReadWire(t testing.TB, path string) (*http.Request, []byte) {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // the test names its own file
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(text, []byte("\n\n"))
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\n\n"))))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r, bytes.TrimSuffix(body, []byte("\n"))
}
