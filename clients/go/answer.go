package eye

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// readAnswer returns the results of the events of a request, or a *Failure.
func readAnswer(resp *http.Response, body []byte, events int) ([]Result, error) {
	f := &Failure{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now()), Body: body}
	var problem struct{ Code, Detail string }
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusUnprocessableEntity:
		results, err := readResults(body, events)
		if err == nil {
			return results, nil
		}
		f.Kind, f.Err = NotTheEye, err
		if resp.StatusCode != http.StatusUnprocessableEntity {
			return nil, f
		}
		f.Kind = Unreadable
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		f.Kind = Unreadable
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Kind = Unauthorized
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		f.Kind = Unavailable
	default:
		f.Kind = NotTheEye
		if resp.StatusCode >= 500 {
			f.Kind = Unavailable
		}
	}
	if json.Unmarshal(body, &problem) == nil && problem.Code != "" {
		f.Code, f.Detail, f.Err = problem.Code, problem.Detail, nil
	}
	return nil, f
}

// readResults reads the results of so many events.
func readResults(body []byte, events int) ([]Result, error) {
	var answer struct {
		Results []struct {
			Index   int    `json:"index"`
			EventID string `json:"event_id"`
			Status  string `json:"status"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("it is no JSON with results")
	}
	if len(answer.Results) != events {
		return nil, fmt.Errorf("%d events were sent, %d are answered", events, len(answer.Results))
	}
	results, seen := make([]Result, events), make([]bool, events)
	for _, r := range answer.Results {
		switch {
		case r.Status != "accepted" && r.Status != "refused":
			return nil, fmt.Errorf("an event has the status %q", r.Status)
		case r.Index < 0 || r.Index >= events || seen[r.Index]:
			return nil, fmt.Errorf("the index %d is out of range, or answered twice", r.Index)
		}
		seen[r.Index] = true
		results[r.Index] = Result{EventID: r.EventID, Refused: r.Status == "refused", Code: r.Code, Message: r.Message}
	}
	return results, nil
}

// retryAfter reads the header Retry-After: seconds, or a date, which is compared with the
// date of the answer, because the clock here may be wrong. It is 0 without one that can
// be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseInt(value, 10, 64) // the nearest, where it is out of range
	if err == nil || errors.Is(err, strconv.ErrRange) {
		const most = int64(1<<63-1) / int64(time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(at.Sub(now), 0)
}
