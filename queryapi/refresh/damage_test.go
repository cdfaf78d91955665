package refresh

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// failWrite fails some writes of files, before the file is there or after it.
func (p *schedule) failWrite(string) error {
	if p.chance(15) {
		return errPlanted
	}
	return nil
}

// damage does something to the files of the folder that is not expected, and perhaps
// restarts the refresher.
func (p *schedule) damage() {
	p.damageFile(p.random.IntN(7))
	if p.chance(50) {
		p.restart()
	}
}

// damageFile does one of seven things to the files, if there are any.
func (p *schedule) damageFile(kind int) {
	var files []string
	_ = filepath.WalkDir(p.dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			files = append(files, path)
		}
		return nil
	})
	if len(files) == 0 {
		return
	}
	file, other := files[p.random.IntN(len(files))], files[p.random.IntN(len(files))]
	content, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	var what string
	switch kind {
	case 0:
		what, err = "delete", os.Remove(file)
	case 1:
		what, err = "truncate", os.Truncate(file, int64(p.random.IntN(len(content)+1)))
	case 2:
		content[p.random.IntN(len(content))] ^= 1 << p.random.IntN(8)
		what, err = "flip a bit", os.WriteFile(file, content, 0o600)
	case 3:
		what, err = "delete the folder", os.RemoveAll(p.dir)
	case 4:
		what, err = "swap", os.Rename(file, other)
	case 5: // the file of a day under a second name, as after a kill
		what, err = "copy", os.WriteFile(filepath.Join(filepath.Dir(file), newName()+".parquet"), content, 0o600)
	case 6:
		what, err = "leave a part of a file", os.WriteFile(file+".1.tmp", content[:len(content)/2], 0o600)
	}
	p.note(what, err)
}
