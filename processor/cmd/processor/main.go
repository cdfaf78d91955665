// Command processor gives accepted events their outcome. Its settings are
// environment variables; see processor.Run.
package main

import (
	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
)

func main() { daemon.Main("processor", processor.Run) }
