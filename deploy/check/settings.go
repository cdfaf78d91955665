package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

var (
	settingTag  = regexp.MustCompile(`env:"([A-Z0-9_,]+)"`)
	settingName = regexp.MustCompile(`\bEYE_[A-Z0-9_]+\b`)
)

// SettingFaults compares the settings of the programs, the environment variables
// of their flags, with those that the documents name: each of the one has to be
// among the other. Variables that scripts and configuration files read count as
// settings, too.
func SettingFaults(tree fs.FS) ([]string, error) {
	settings, others, documented := map[string]string{}, map[string]bool{}, map[string]string{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git" || d.Name() == "adr"):
			return fs.SkipDir
		case d.IsDir() || name == "CHANGELOG.md":
			return nil
		}
		isCode := strings.HasSuffix(name, ".go") && !strings.HasPrefix(name, "deploy/check/")
		isDocument := strings.HasSuffix(name, ".md")
		isOther := !strings.Contains(name[strings.LastIndexByte(name, '/')+1:], ".") || strings.HasSuffix(name, ".sh") ||
			strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".yml")
		if !isCode && !isDocument && !isOther {
			return nil
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		text := string(content)
		switch {
		case isDocument:
			for _, setting := range settingName.FindAllString(text, -1) {
				documented[setting] = name
			}
		case isCode && strings.HasSuffix(name, "_test.go"), isOther:
			for _, setting := range settingName.FindAllString(text, -1) {
				others[setting] = true
			}
		default:
			for _, tag := range settingTag.FindAllStringSubmatch(text, -1) {
				for _, setting := range strings.Split(tag[1], ",") {
					settings[setting] = name
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var faults []string
	for setting, name := range settings {
		if documented[setting] == "" {
			faults = append(faults, fmt.Sprintf("%s: no document names the setting %s", name, setting))
		}
	}
	for setting, name := range documented {
		if settings[setting] == "" && !others[setting] {
			faults = append(faults, fmt.Sprintf("%s: there is no setting %s", name, setting))
		}
	}
	slices.Sort(faults)
	return faults, nil
}
