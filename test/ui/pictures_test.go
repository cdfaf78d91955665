package ui

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// How wide a picture of the README is, in pixels, and how well it is kept.
const (
	pictureWidth   = 1280
	pictureQuality = 82
)

// The pictures of the README, from the events of `theeye demo`. `make screenshots` keeps
// them in docs/pictures.
func TestPictures(t *testing.T) {
	dir := os.Getenv("EYE_TEST_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	f := newFixture(t)
	const last = "?from=30d&to=now&tz=UTC"
	step := func(name string) string { return "&step=" + url.QueryEscape(`type="`+name+`"`) }

	p := f.openPicture(t, 940, "/ui/overview?from=14d&to=now&tz=UTC")
	p.awaitText(".bars .bar", "/")
	p.keepPicture(dir, "overview")

	p = f.openPicture(t, 890, "/ui/rejected"+last)
	p.violations()
	p.awaitText("[aria-label='The schema of this type'] mark", `"path"`)
	evaluate[bool](p, `(() => { document.activeElement.blur(); return true })()`)
	p.keepPicture(dir, "rejected")

	p = f.openPicture(t, 840, "/ui/funnel"+last+step("page interaction / pageview")+step("shop / add to cart")+step("shop / purchase")+"&group=data.device")
	p.awaitText(".funnel + .table-scroll", "mobile")
	p.keepPicture(dir, "funnel")
}

// openPicture opens a screen as large as a picture of a height.
func (f *fixture) openPicture(t *testing.T, height int64, target string) *page {
	t.Helper()
	p := f.open(t, target)
	p.run(chromedp.EmulateViewport(pictureWidth, height))
	return p
}

// keepPicture writes what the page shows as dir/name.webp.
func (p *page) keepPicture(dir, name string) {
	p.t.Helper()
	p.awaitAnswers()
	p.await(`document.querySelector(".notice.hidden")`)
	quality := int64(pictureQuality)
	picture, err := chromedp.Call(p.ctx, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatWebp, Quality: &quality})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".webp"), picture.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.t.Logf("%s has %d bytes", name, len(picture.Data))
}
