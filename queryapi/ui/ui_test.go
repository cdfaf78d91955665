package ui_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/theeye/theeye/queryapi/ui"
)

// Bounds of the files, in bytes under gzip.
const (
	// maxFirst bounds what the first screen loads; the editor is never among it.
	maxFirst = 60 << 10
	// maxAll bounds all files together.
	maxAll = 220 << 10
)

// imports are the files that a script loads at once, and lazily those that it may load.
var (
	imports = regexp.MustCompile(`(?:from|import)\s*"\./([^"]+)"`)
	lazily  = regexp.MustCompile(`import\("\./([^"]+)"\)`)
	loaded  = regexp.MustCompile(`/ui/assets/([^"]+)"`)
)

// The first screen is the overview: the page, what that loads, and the overview's own
// file with its imports. Other screens load their own files later.
func TestFilesAreSmall(t *testing.T) {
	assets := ui.Assets()
	first := map[string]bool{}
	var load func(name string)
	load = func(name string) {
		if first[name] {
			return
		}
		first[name] = true
		for _, found := range imports.FindAllStringSubmatch(string(assets[name].Plain), -1) {
			load(found[1])
		}
	}
	for _, found := range loaded.FindAllStringSubmatch(string(ui.Page().Plain), -1) {
		load(found[1])
	}
	for name := range first {
		for _, found := range lazily.FindAllStringSubmatch(string(assets[name].Plain), -1) {
			if strings.HasPrefix(found[1], "overview-") {
				load(found[1])
			}
		}
	}
	if len(first) < 4 {
		t.Fatalf("the first screen loads only %v", first)
	}
	size, all := len(ui.Page().Compressed), len(ui.Page().Compressed)
	for name, asset := range assets {
		all += len(asset.Compressed)
		if first[name] {
			size += len(asset.Compressed)
		}
	}
	t.Logf("the first screen loads %d bytes, all files have %d", size, all)
	if size > maxFirst || all > maxAll {
		t.Errorf("the first screen loads %d bytes, at most %d; all files have %d, at most %d", size, maxFirst, all, maxAll)
	}
}

// The page has no script, style or handler of its own, which its policy would refuse.
func TestPageHasNothingInline(t *testing.T) {
	page := string(ui.Page().Plain)
	for _, refused := range []*regexp.Regexp{
		regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`), regexp.MustCompile(`<style`), regexp.MustCompile(`\sstyle=`), regexp.MustCompile(`\son[a-z]+=`),
	} {
		if found := refused.FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
}
