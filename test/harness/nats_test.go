package harness

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What the tests run is what people run, but for three lines.
func TestPlacedNATSIsTheShippedOne(t *testing.T) {
	dir := t.TempDir()
	n, err := NewNATS(Binaries{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nats", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	placed, err := os.ReadFile(n.Args[1])
	if err != nil {
		t.Fatal(err)
	}
	were, are := strings.Split(string(shipped), "\n"), strings.Split(string(placed), "\n")
	if len(were) != len(are) {
		t.Fatalf("%d lines became %d", len(were), len(are))
	}
	var changed []string
	for i := range were {
		if were[i] != are[i] {
			changed = append(changed, were[i])
		}
	}
	if want := []string{"listen: 0.0.0.0:4222", "http: 127.0.0.1:8222", "  store_dir: /data"}; !slices.Equal(changed, want) {
		t.Errorf("changed are %q", changed)
	}
	for _, inside := range []string{strings.TrimPrefix(n.URL, "nats://"), filepath.Join(dir, "nats")} {
		if !strings.Contains(string(placed), inside) {
			t.Errorf("%s is not in it", inside)
		}
	}
}

func TestPlaceNATSWantsItsLinesOnce(t *testing.T) {
	const good = "\nlisten: a\nhttp: b\njetstream {\n  store_dir: c\n}\n"
	if _, err := placeNATS(good, "1", "2", "3"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		strings.Replace(good, "listen", "port", 1),
		strings.Replace(good, "http", "https", 1),
		strings.Replace(good, "  store_dir", "store_dir", 1),
		good + "listen: d\n",
	} {
		if text, err := placeNATS(bad, "1", "2", "3"); err == nil {
			t.Errorf("%q became %q", bad, text)
		}
	}
}

func TestNATSUsersHaveTheirOwnPasswords(t *testing.T) {
	n, err := NewNATS(Binaries{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, user := range NATSUsers {
		secret := n.passwords[user]
		if secret == "" || seen[secret] || !strings.Contains(n.URLOf(user), user+":"+secret+"@127.0.0.1:") {
			t.Errorf("%s connects to %s", user, n.URLOf(user))
		}
		seen[secret] = true
		if !slices.Contains(n.Env, "EYE_NATS_"+strings.ToUpper(user)+`_PASSWORD="`+secret+`"`) {
			t.Errorf("the server does not know the password of %s", user)
		}
	}
}

func TestTailGivesTheAlarm(t *testing.T) {
	var out outputTail
	write := func(text string) {
		if _, err := out.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("no alarm is set: Violation\n")
	out.setAlarm("Violation")
	write("all is well\n[ERR] Publish Vio")
	write("lation of one\n")
	write(strings.Repeat("x", 2*maxTail) + "\n")
	for range 2 * maxAlarms {
		write("Violation again\n")
	}
	got := out.alarmLines()
	if len(got) != maxAlarms || got[0] != "[ERR] Publish Violation of one" || got[1] != "Violation again" {
		t.Errorf("%d alarms: %q", len(got), got)
	}
}
