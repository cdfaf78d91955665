package daemon

import "github.com/theeye/theeye/shared/httpserver"

// BodySettings are how slowly the body of a request may arrive.
type BodySettings struct {
	BodyMinRate Bytes    `env:"EYE_BODY_MIN_RATE" default:"1KiB" placeholder:"SIZE" help:"Least mean rate at which a body arrives, in bytes per second (${default})."`
	BodyStall   Duration `env:"EYE_BODY_STALL" default:"15s" placeholder:"DURATION" help:"Longest time without a byte of a body (${default})."`
	BodyTimeout Duration `env:"EYE_BODY_TIMEOUT" default:"5m" placeholder:"DURATION" help:"Longest time for a whole body (${default})."`
}

// Pace returns the least progress of a body by the settings. A zero setting is
// its default.
func (s *BodySettings) Pace() httpserver.Pace {
	return httpserver.Pace{Rate: s.BodyMinRate.Value, Stall: s.BodyStall.Value, Longest: s.BodyTimeout.Value}
}
