package folderlock_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/folderlock"
)

func TestOneHolder(t *testing.T) {
	dir := t.TempDir()
	first, err := folderlock.Acquire("folder", dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = folderlock.Acquire("folder", dir)
	if !errors.Is(err, folderlock.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("folder %s is used by another process (pid %d)", dir, os.Getpid())) {
		t.Errorf("second lock: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := folderlock.Acquire("folder", dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := folderlock.Acquire("folder", dir+"/absent"); err == nil || errors.Is(err, folderlock.ErrLocked) {
		t.Errorf("lock of a folder that is not there: %v", err)
	}
}
