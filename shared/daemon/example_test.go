package daemon_test

import (
	"errors"
	"fmt"

	"github.com/theeye/theeye/shared/daemon"
)

// archiverSettings are the settings of a program: those of every service, those
// of the connection to NATS, and its own.
type archiverSettings struct {
	MaxBytes daemon.Bytes    `env:"EYE_ARCHIVE_MAX_BYTES" default:"64MiB" placeholder:"SIZE" help:"Size of a file (${default})."`
	Interval daemon.Duration `env:"EYE_ARCHIVE_INTERVAL" default:"15m" placeholder:"DURATION" help:"Time between two files (${default})."`
	daemon.NATSSettings
	daemon.Common
}

// A setting is a flag, else an environment variable, else a default.
func ExampleReadSettings() {
	s, err := daemon.ReadSettings[archiverSettings]("archiver", []string{"--interval=90s"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.MaxBytes.Value, s.Interval.Value, s.NATSURL.Value)
	// Output: 67108864 1m30s nats://127.0.0.1:4222
}

// All faults are reported at once.
func ExampleReadSettings_faults() {
	_, err := daemon.ReadSettings[archiverSettings]("archiver", []string{"--interval=soon", "--max-bytes=10GB"})
	var faults daemon.Faults
	if errors.As(err, &faults) {
		for _, fault := range faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// EYE_ARCHIVE_MAX_BYTES: "10GB" must be a size such as 1048576, 64MiB or 10GiB
	// EYE_ARCHIVE_INTERVAL: "soon" must be a duration such as 90m, 1h30m, 30d or 2w
}
