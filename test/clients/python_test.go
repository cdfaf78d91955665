package clients

import (
	"os/exec"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// python returns the path of a Python.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("the Python client needs python3: install it and run this again (%v)", err)
	}
	return path
}

func TestPythonClientLosesNothing(t *testing.T) {
	testFaults(t, func(t *testing.T, url, session string) sender {
		t.Helper()
		return startObedient(t, python(t), "site.py", url, harness.WriteKey, session)
	})
}

func TestKilledPythonSiteLosesNothing(t *testing.T) { testKilledSite(t, python(t), "site.py") }
