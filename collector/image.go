package collector

import (
	"fmt"
	"net/http"
	"strconv"
)

// transparentGIF is an image of one transparent pixel.
const transparentGIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" +
	"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// writeImage answers with transparentGIF, which no cache keeps: the next one is another
// event.
func writeImage(w http.ResponseWriter, status int) error {
	h := w.Header()
	h.Set("Content-Type", "image/gif")
	h.Set("Content-Length", strconv.Itoa(len(transparentGIF)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write([]byte(transparentGIF)); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}
