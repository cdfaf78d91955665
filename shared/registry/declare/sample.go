package declare

import (
	"embed"
	"io/fs"
)

//go:embed sample
var sample embed.FS

// SampleTypes returns declarations of the sample types: those that the browser script
// sends by itself, page interaction / pageview, cta click, outbound link and download,
// and form interaction / submit, and those that a shop adds, shop / add to cart, shop /
// purchase and session / login.
func SampleTypes() fs.FS {
	sub, err := fs.Sub(sample, "sample")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
