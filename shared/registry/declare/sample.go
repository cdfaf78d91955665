package declare

import (
	"embed"
	"io/fs"
)

//go:embed sample
var sample embed.FS

// SampleTypes returns declarations of the sample types: page interaction /
// pageview, page interaction / cta click and form interaction / submit, and those
// that a shop adds, shop / add to cart, shop / purchase and session / login.
func SampleTypes() fs.FS {
	sub, err := fs.Sub(sample, "sample")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
