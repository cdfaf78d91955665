package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Paths of the jobs that the query API starts.
const (
	PathReplays = "/v1/replays"
	PathAudits  = "/v1/audits"
)

// Job is a replay, dry run or audit as the query API shows it.
type Job struct {
	ID             string          `json:"id"`
	State          string          `json:"state"`
	TargetRevision uint64          `json:"target_revision"`
	Done           uint64          `json:"done"`
	Total          uint64          `json:"total"`
	Phase          string          `json:"phase"`
	Error          string          `json:"error"`
	StartedAt      time.Time       `json:"started_at"`
	EndedAt        time.Time       `json:"ended_at"`
	Report         json.RawMessage `json:"report"`
}

// Final says that the job has ended, however it did.
func (j Job) Final() bool { return j.State == "done" || j.State == "failed" || j.State == "cancelled" }

// AnswerError is an answer of the query API with another status than 2xx.
type AnswerError struct {
	Status int
	// Body is the beginning of the body.
	Body string
}

func (e *AnswerError) Error() string { return fmt.Sprintf("answer %d: %s", e.Status, e.Body) }

// callLimit bounds one call.
const callLimit = 20 * time.Second

// Call sends a request to the query API as an operator. A nil body is sent as no
// body; the answer is decoded into to, unless that is nil. It returns the ETag.
func (p *Pipeline) Call(ctx context.Context, method, path string, header map[string]string, body, to any) (etag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return "", Final(err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.Query+path, content)
	if err != nil {
		return "", Final(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return "", errors.Join(&AnswerError{resp.StatusCode, string(text)}, err)
	}
	if to == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(to)
	}
	return resp.Header.Get("ETag"), err
}

// StartJob posts a job under one of the paths of jobs.
func (p *Pipeline) StartJob(ctx context.Context, path string, body any) (Job, error) {
	var j Job
	_, err := p.Call(ctx, http.MethodPost, path, nil, body, &j)
	return j, err
}

// Job reads one job.
func (p *Pipeline) Job(ctx context.Context, path, id string) (Job, error) {
	var j Job
	_, err := p.Call(ctx, http.MethodGet, path+"/"+id, nil, nil, &j)
	return j, err
}

// AwaitJob waits for the end of a job and ignores failing requests until then. A
// job that failed or was cancelled is an error.
func (p *Pipeline) AwaitJob(ctx context.Context, path, id string) (Job, error) {
	var j Job
	err := Poll(ctx, func() error {
		now, err := p.Job(ctx, path, id)
		if err != nil {
			return err
		}
		j = now
		switch {
		case j.State == "done":
			return nil
		case j.Final():
			return Final(fmt.Errorf("job %s is %s: %s", id, j.State, j.Error))
		}
		return fmt.Errorf("job %s is %s, %d of %d, %s", id, j.State, j.Done, j.Total, j.Phase)
	})
	return j, err
}
