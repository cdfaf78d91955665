// Command queryapi is the query API as a service of its own. Its settings are
// environment variables; see queryapi.Run.
package main

import (
	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/daemon"
)

func main() { daemon.Main("queryapi", queryapi.Run) }
