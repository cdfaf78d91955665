// Command collector accepts events over HTTP and puts them into the stream.
package main

import (
	"github.com/theeye/theeye/collector"
	"github.com/theeye/theeye/shared/daemon"
)

func main() {
	daemon.Main("collector", "Accepts events over HTTP and puts them into the stream.", collector.Run)
}
