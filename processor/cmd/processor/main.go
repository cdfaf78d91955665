// Command processor gives accepted events their outcome.
package main

import (
	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
)

func main() {
	daemon.Main("processor", "Validates accepted events and writes each with its outcome to the store.", processor.Run)
}
