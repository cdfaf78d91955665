package output

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whole texts, one header, and no formula.
func TestTablesAsCSV(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, &out, false, false)
	p.UseCSV()
	long := string(bytes.Repeat([]byte("x"), 500))
	table := p.NewTable([]string{"OF FIRST", "VALUE"})
	table.Append([][]string{{"-5", "=1+1"}, {"1e3", "a,\"b\"\nc"}})
	table.Append([][]string{{"+x", long}, {"'", "@"}})
	if err := p.Finish(); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"of_first", "value"}, {"-5", "'=1+1"}, {"1e3", "a,\"b\"\nc"}, {"'+x", long}, {"''", "'@"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
