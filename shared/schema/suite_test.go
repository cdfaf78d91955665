package schema

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
)

// suiteDrafts are the folders of the official test suite, with the draft of schemas
// without $schema.
var suiteDrafts = map[string]draft{
	"draft4": 4, "draft6": 6, "draft7": 7, "draft2019-09": draft2019, "draft2020-12": draft2020,
}

// suiteExcluded are the tests that want something else than we document, by the end of
// their file's name and a part of their description.
var suiteExcluded = map[string]string{
	"format.json":               "only an annotation by default", // formats are checked in every draft
	"content.json":              "",                              // contentEncoding and contentMediaType are annotations
	"zeroTerminatedFloats.json": "",                              // 1.0 is an integer in every draft
}

func isExcluded(file, description string) bool {
	part, ok := suiteExcluded[path.Base(file)]
	return ok && strings.Contains(description, part)
}

type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// suiteCount counts the tests of one draft by what became of them.
type suiteCount struct{ right, refused, excluded int }

// Every test of the official suite has the right verdict, or its schema is refused
// and the reason is at a place. The table of testdata/suite/counts.txt is what the
// documents promise of each draft.
func TestOfficialSuite(t *testing.T) {
	counts := map[string]*suiteCount{}
	for name := range suiteDrafts {
		counts[name] = &suiteCount{}
	}
	reasons := map[string]int{}
	for name, text := range suiteFiles(t) {
		folder, file, _ := strings.Cut(strings.TrimPrefix(name, "tests/"), "/")
		var groups []suiteGroup
		if err := json.Unmarshal(text, &groups); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range groups {
			runSuiteGroup(t, counts[folder], reasons, folder, file, g)
		}
	}
	document, err := os.ReadFile("../../docs/registry.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(suiteDrafts), func(a, b string) int { return int(suiteDrafts[a] - suiteDrafts[b]) }) {
		c := counts[name]
		if row := fmt.Sprintf("| %s | %s | %d |", suiteDrafts[name], withComma(c.right), c.refused); !strings.Contains(string(document), row) {
			t.Errorf("docs/registry.md has no row %q", row)
		}
		fmt.Fprintf(&table, "%-13s right %4d, refused %3d, not ours %2d\n", name, c.right, c.refused, c.excluded)
	}
	t.Log("\n" + table.String())
	want, err := os.ReadFile("testdata/suite/counts.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), table.String()); diff != "" {
		t.Errorf("counts (-committed +now):\n%s", diff)
	}
	if testing.Verbose() {
		for _, reason := range slices.Sorted(maps.Keys(reasons)) {
			t.Logf("refused: %3d %s", reasons[reason], reason)
		}
	}
}

func withComma(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func runSuiteGroup(t *testing.T, count *suiteCount, reasons map[string]int, folder, file string, g suiteGroup) {
	s, faults := compileAnyRoot(g.Schema, suiteDrafts[folder])
	if len(faults) > 0 {
		if faults[0].Message == "" {
			t.Errorf("%s/%s: %s: refused without a reason", folder, file, g.Description)
		}
		count.refused += len(g.Tests)
		reasons[fmt.Sprintf("%s/%s: %s %s", folder, file, path.Base(faults[0].Path), faults[0].Message)] += len(g.Tests)
		return
	}
	for _, test := range g.Tests {
		if isExcluded(file, test.Description) || isExcluded(file, g.Description) {
			count.excluded++
			continue
		}
		data, err := decodeAny(test.Data)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.engine.findFaults(data, 0)
		if err != nil || (len(found) == 0) != test.Valid {
			t.Errorf("%s/%s: %s: %s: valid is %t; found %v, %v\nschema %s\ndata %s",
				folder, file, g.Description, test.Description, test.Valid, found, err, g.Schema, test.Data)
			continue
		}
		count.right++
	}
}

// compileAnyRoot compiles a schema of values that are not objects, too.
func compileAnyRoot(raw []byte, without draft) (*Schema, []event.Fault) {
	tree, faults := Read(raw)
	if len(faults) > 0 {
		return nil, faults
	}
	c := newChecker(nil)
	c.draft, c.anyRoot = without, true
	s := c.compile(tree)
	return s, c.faults
}

func decodeAny(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// suiteFiles reads the archive that testdata/suite/SOURCE.md describes.
func suiteFiles(t *testing.T) map[string][]byte {
	archive, err := os.ReadFile("testdata/suite/suite.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("testdata/suite/SOURCE.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(archive)
	if !bytes.Contains(source, []byte(hex.EncodeToString(sum[:]))) {
		t.Fatalf("the archive has the checksum %x, which SOURCE.md does not name", sum)
	}
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(header.Name, ".json") {
			continue
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
