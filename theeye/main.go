// Command theeye is The Eye on the command line: it runs everything in one
// process, and it operates and queries a running installation.
package main

import (
	"os"

	"github.com/theeye/theeye/theeye/cmd"
)

func main() { os.Exit(cmd.Run(os.Args[1:], os.Stdout, os.Stderr)) }
