package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
)

// callLimit bounds one call.
const callLimit = 20 * time.Second

// Call sends a request to the query API once, as an operator, and decodes the
// answer into v unless v is nil.
func (p *Pipeline) Call(ctx context.Context, r client.Request, v any) (*client.Response, error) {
	c, err := client.New(client.Config{URL: p.Query, Token: p.Token, Timeout: callLimit})
	if err != nil {
		return nil, Final(err)
	}
	resp, err := c.DoOnce(ctx, r)
	if err != nil || v == nil {
		return resp, err
	}
	return resp, resp.Decode(v)
}

// StartJob posts a job under one of the paths of jobs.
func (p *Pipeline) StartJob(ctx context.Context, path string, body any) (api.Job, error) {
	var j api.Job
	raw, err := json.Marshal(body)
	if err != nil {
		return j, Final(err)
	}
	_, err = p.Call(ctx, client.Request{Method: http.MethodPost, Path: path, Body: raw}, &j)
	return j, err
}

// Job reads one job.
func (p *Pipeline) Job(ctx context.Context, path, id string) (api.Job, error) {
	var j api.Job
	_, err := p.Call(ctx, client.Request{Method: http.MethodGet, Path: api.JobPath(path, id)}, &j)
	return j, err
}

// AwaitJob waits for the end of a job and ignores failing requests until then. A
// job that failed or was cancelled is an error.
func (p *Pipeline) AwaitJob(ctx context.Context, path, id string) (api.Job, error) {
	var j api.Job
	err := Poll(ctx, func() error {
		now, err := p.Job(ctx, path, id)
		if err != nil {
			return err
		}
		j = now
		switch {
		case j.State == api.JobDone:
			return nil
		case j.State.Final():
			return Final(fmt.Errorf("job %s is %s: %s", id, j.State, j.Error))
		}
		return fmt.Errorf("job %s is %s, %d of %d, %s", id, j.State, j.Done, j.Total, j.Phase)
	})
	return j, err
}
