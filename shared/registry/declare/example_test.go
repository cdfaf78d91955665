package declare_test

import (
	"fmt"
	"testing/fstest"

	"github.com/theeye/theeye/shared/registry/declare"
)

// A folder of declarations is checked as a whole, without a connection.
func ExampleLoadDir() {
	folder := fstest.MapFS{
		"policy.json": {Data: []byte(`{"unknown_types": "store"}`)},
		"schemas/page=20interaction/cta=20click.json": {Data: []byte(`{"required": ["label"]}`)},
		"README.md": {Data: []byte("# Our declarations")},
	}
	declarations, err := declare.LoadDir(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range declarations.Files() {
		fmt.Println(d.Kind, "from", d.File)
	}

	folder["schemas/page=20interaction/cta=20click.json"].Data = []byte(`{"required": "label"}`)
	folder["policy.json"].Data = []byte(`{"unknown_typos": "store"}`)
	_, err = declare.LoadDir(folder)
	fmt.Println(err)
	// Output:
	// policy from policy.json
	// schema from schemas/page=20interaction/cta=20click.json
	// the declarations have 2 faults
	// policy.json /unknown_typos: is not a known member
	// schemas/page=20interaction/cta=20click.json /required: must be an array of strings
}
