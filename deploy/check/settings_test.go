package check_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

func TestDocumentsNameEverySetting(t *testing.T) {
	faults, err := check.SettingFaults(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	none(t, faults)
}

func TestSettingFaultsAreFound(t *testing.T) {
	tree := fstest.MapFS{}
	for name, content := range map[string]string{
		"shared/daemon/a.go":      "package a\ntype a struct { B string `env:\"EYE_A,EYE_B\"`; C int `env:\"EYE_C\"` }\n",
		"shared/daemon/a_test.go": "package a\n// EYE_TEST_D\n",
		"docs/operations.md":      "`EYE_A` EYE_C `EYE_TEST_D` `EYE_GONE` EYE_PASSWORD\n",
		"CHANGELOG.md":            "EYE_OLD\n",
		"deploy/nats.conf":        "password: $EYE_PASSWORD\n",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	want := []string{
		"docs/operations.md: there is no setting EYE_GONE",
		"shared/daemon/a.go: no document names the setting EYE_B",
	}
	got, err := check.SettingFaults(tree)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
