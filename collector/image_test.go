package collector

import (
	"image/gif"
	"strings"
	"testing"
)

func TestTheImageIsOneTransparentPixel(t *testing.T) {
	const size = 43
	image, err := gif.Decode(strings.NewReader(transparentGIF))
	if err != nil || len(transparentGIF) != size {
		t.Fatalf("%d bytes, %v", len(transparentGIF), err)
	}
	if b := image.Bounds(); b.Dx() != 1 || b.Dy() != 1 {
		t.Errorf("the size is %v", b)
	}
	if _, _, _, alpha := image.At(0, 0).RGBA(); alpha != 0 {
		t.Errorf("alpha is %d", alpha)
	}
}
