package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

func TestNATSLosesNothing(t *testing.T) {
	faults, err := check.NATSFaults(path("deploy/nats/nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	none(t, faults)
}

func TestNATSFaultsAreFound(t *testing.T) {
	good := text(t, "deploy/nats/nats.conf")
	for _, c := range []struct{ old, new, want string }{
		{"sync_interval: always", "", "acknowledges before the disk has it"},
		{"sync_interval: always", "sync_interval: 100ms", "acknowledges before the disk has it"},
		{"max_file_store: 16GiB", "", "the stream's limit does not fit into max_file_store"},
		{"max_file_store: 16GiB", "max_file_store: 10GiB", "the stream's limit does not fit into max_file_store"},
		{"max_memory_store: 64MiB", "", "memory is not bounded"},
		{"max_payload: 2MiB", "", "an event of the largest size does not fit into max_payload"},
		{"max_payload: 2MiB", "max_payload: 2MB", ""},
		{"http: 127.0.0.1:8222", "http: 0.0.0.0:8222", "monitoring is not on loopback alone"},
		{"store_dir: /data", "", "JetStream keeps no data"},
	} {
		t.Run(c.old+" to "+c.new, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("nothing to break: the file has no %q", c.old)
			}
			file := filepath.Join(t.TempDir(), "nats.conf")
			if err := os.WriteFile(file, []byte(strings.Replace(good, c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := check.NATSFaults(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNATSRefusesNonsense(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte("jetstream { sync_intervall: always }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if faults, err := check.NATSFaults(file); err == nil {
		t.Errorf("a misspelt setting passes, with faults %q", faults)
	}
}
