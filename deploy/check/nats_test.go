package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

// passwords are of the users of NATS, as its environment has them.
func passwords(t *testing.T) {
	t.Helper()
	for _, user := range []string{"COLLECTOR", "PROCESSOR", "QUERYAPI"} {
		t.Setenv("EYE_NATS_"+user+"_PASSWORD", `"12"`)
	}
}

func TestNATSLosesNothing(t *testing.T) {
	passwords(t)
	faults, err := check.NATSFaults(path("deploy/nats/nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	none(t, faults)
}

func TestNATSFaultsAreFound(t *testing.T) {
	passwords(t)
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
		{"{user: queryapi,", "{user: admin,", "admin does not listen to its inbox, and records of the registry, alone; has not exactly the users collector, processor, queryapi"},
		{"lame_duck_grace_period", "no_auth_user: collector\nlame_duck_grace_period", "lets in clients without a user"},
		{"password: $EYE_NATS_COLLECTOR_PASSWORD", `password: ""`, "collector needs no password"},
		{`subscribe: ["_INBOX_collector.>", "$KV.SCHEMAS.>", "$KV.APPLICATIONS.>"]`, "", "collector has no permissions of its own"},
		{`"_INBOX_collector.>"`, `"_INBOX.>"`, "collector does not listen to its inbox, and records of the registry, alone"},
		{`"_INBOX_collector.>"`, `"_INBOX_collector.>", "events.>"`, "collector does not listen to its inbox, and records of the registry, alone"},
		{`"$JS.API.STREAM.INFO.EVENTS"`, `">"`, "collector may publish to >, which says not what and on which stream"},
		{`"$JS.API.STREAM.INFO.EVENTS"`, `"$JS.API.>"`, "collector may publish to $JS.API.>, which says not what and on which stream"},
		{`"$JS.API.STREAM.INFO.EVENTS"`, `"$JS.API.STREAM.INFO.*"`, "collector may publish to $JS.API.STREAM.INFO.*, which says not what and on which stream"},
		{`"$JS.API.STREAM.INFO.EVENTS"`, `"$JS.API.STREAM.*.EVENTS"`, "collector may publish to $JS.API.STREAM.*.EVENTS, which says not what and on which stream"},
		{`"$KV.SERVICES.collector.>"`, `"$KV.>"`, "collector may publish to $KV.>, which says not what and on which stream"},
		{"COLLECTOR {", "COLLECTOR {\n    jetstream: enabled", "account COLLECTOR has streams and users"},
		{"  COLLECTOR {", "  EMPTY {}\n  COLLECTOR {", "account EMPTY has not exactly one user"},
		{"    users: [{user: collector", "    users: [{user: other, password: x}, {user: collector", "other has no permissions of its own; has not exactly the users collector, processor, queryapi; account COLLECTOR has not exactly one user"},
		{`      {service: {account: EVENTS, subject: "events.>"}}`, "", "collector does not import events.>"},
		{`      {service: {account: EVENTS, subject: "events.>"}}`, `      {service: {account: EVENTS, subject: "events.>"}, to: "e.>"}`, "collector imports map[service:map[account:EVENTS subject:events.>] to:e.>], which is no plain service; collector does not import events.>"},
		{`      {service: {account: RUNNING, subject: "$JS.API.INFO"}}`, "", "collector does not import $JS.API.INFO"},
		{`    "$KV.JOBS.>"` + "\n  ]\n  subscribe: [\"_INBOX_processor", `  ]` + "\n  subscribe: [\"_INBOX_processor", "processor imports $KV.JOBS.> and may not publish to it"},
		{`"events.>"`, `"*.>"`, "collector may publish to *.>, which says not what and on which stream"},
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
			// A subject that is changed in one place differs from the other place, too.
			all := strings.Join(got, "; ")
			first := all
			if strings.Contains(c.want, "which says not what") {
				first, _, _ = strings.Cut(all, "; collector imports")
			}
			if diff := cmp.Diff(c.want, first); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A password that is missing, or that nats-server takes for a number, must not
// become a server that anybody may use.
func TestNATSWantsItsPasswords(t *testing.T) {
	for _, given := range []string{"12", "12k"} {
		passwords(t)
		t.Setenv("EYE_NATS_PROCESSOR_PASSWORD", given)
		if faults, err := check.NATSFaults(path("deploy/nats/nats.conf")); err == nil {
			t.Errorf("password %q passes, with faults %q", given, faults)
		}
	}
	if err := os.Unsetenv("EYE_NATS_PROCESSOR_PASSWORD"); err != nil { // t.Setenv restores the value
		t.Fatal(err)
	}
	if faults, err := check.NATSFaults(path("deploy/nats/nats.conf")); err == nil {
		t.Errorf("no password passes, with faults %q", faults)
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
