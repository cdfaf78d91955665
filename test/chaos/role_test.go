package chaos

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/standalone"
)

// roles are what the test program does instead of its tests where a variable is set.
var roles = map[string]func() int{roleVariable: runPlanted}

// roleVariable names the bug to plant; with it set the test program is a
// pipeline in one process.
const roleVariable = "CHAOS_BUG"

// selfPath is the path of this program.
func selfPath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// runPlanted runs the pipeline until it is killed.
func runPlanted() int {
	bug, known := bugs[os.Getenv(roleVariable)]
	if !known {
		fmt.Fprintf(os.Stderr, "no bug is called %q\n", os.Getenv(roleVariable))
		return 2
	}
	app, err := standalone.New(standalone.Config{
		Listen:      os.Getenv("CHAOS_LISTEN"),
		AdminListen: os.Getenv("CHAOS_ADMIN"),
		DataDir:     filepath.Join(os.Getenv("CHAOS_DATA"), "data"),
		Dev:         true,
		Logger:      slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Metrics:     prometheus.NewRegistry(),
		WrapStore:   bug.store,
		WrapHandler: bug.handler,
	})
	if err == nil {
		err = app.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
