package queryapi

import (
	"context"
	"fmt"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/daemon"
)

// openColumns makes the refresher, which Run runs, and registers its metrics.
func (s *Service) openColumns(c Config) (err error) {
	if c.ColumnsDir == "" {
		return nil
	}
	s.columns, err = refresh.New(refresh.Config{
		Store: c.Store, Dir: c.ColumnsDir, Now: c.Now, Logger: c.Logger,
	})
	if err != nil {
		return err
	}
	if err := c.Metrics.Register(s.columns.Metrics()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// Run serves until ctx ends, keeps the columns equal to the store, and writes the last
// uses of tokens.
func (s *Service) Run(ctx context.Context) error {
	group := daemon.Group{Logger: s.log}
	if s.uses != nil {
		group.Add("last uses", s.uses.Run)
	}
	if s.columns != nil {
		group.Add("columns", s.columns.Run)
	}
	group.Add("HTTP", s.Server.Run)
	return group.Run(ctx)
}
