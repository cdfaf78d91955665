// Command collector takes events over HTTP into the stream.
package main

import (
	"github.com/theeye/theeye/collector"
	"github.com/theeye/theeye/shared/daemon"
)

func main() { daemon.Main("collector", collector.Run) }
