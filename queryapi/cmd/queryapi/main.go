// Command queryapi is the query API as a service of its own.
package main

import (
	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/daemon"
)

func main() {
	daemon.Main("queryapi", "Answers queries over HTTP and changes the registry.", queryapi.Run)
}
