package eye

import "encoding/json"

// The format of the vectors: clients/testdata/vectors/README.md.
type vectorFile struct {
	About string   `json:"about"`
	Cases []vector `json:"cases"`
}

type vector struct {
	Name, About string
	Needs       []string
	Settings    vectorSettings
	Random      []float64
	Steps       []step
	End         ending
}

type vectorSettings struct {
	BatchEvents      int  `json:"batch_events"`
	BatchBytes       int  `json:"batch_bytes"`
	BatchWaitMS      int  `json:"batch_wait_ms"`
	QueueEvents      int  `json:"queue_events"`
	QueueBytes       int  `json:"queue_bytes"`
	BackoffMinMS     int  `json:"backoff_min_ms"`
	BackoffMaxMS     int  `json:"backoff_max_ms"`
	RetryAfterMaxMS  int  `json:"retry_after_max_ms"`
	RequestTimeoutMS int  `json:"request_timeout_ms"`
	GzipFromBytes    int  `json:"gzip_from_bytes"`
	CallbacksFail    bool `json:"callbacks_fail"`
}

type step struct {
	At          int
	Call        string
	N           numbers
	Event       map[string]string
	Data        vectorData
	BeforeStart bool `json:"before_start"`
	As          string
	Deadline    int
	Returns     string
	Result      string
	Request     *vectorRequest
	Answer      vectorAnswer
}

type vectorData struct {
	Value, Then map[string]any
	TextBytes   int `json:"text_bytes"`
	Special     string
}

type vectorRequest struct {
	N           numbers
	Encoding    string
	Events      []map[string]any
	Members     []string
	BodyMembers []string `json:"body_members"`
}

type vectorAnswer struct {
	After    int
	Status   int
	Headers  map[string]string
	Dates    map[string]int
	Accept   bool
	Refuse   []refusal
	Reversed bool
	Problem  string
	Text     string
	Fails    string
}

type refusal struct {
	N    int    `json:"n"`
	Code string `json:"code"`
}

type ending struct {
	At       int
	Accepted numbers
	Refused  []refusal
	Dropped  []struct {
		N      numbers
		Reason string
	}
	Queued   int
	Messages []string
}

// numbers are written as a list of numbers and of [first, last].
type numbers []int

func (l *numbers) UnmarshalJSON(b []byte) error {
	var single int
	if json.Unmarshal(b, &single) == nil {
		*l = numbers{single}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, one := range list {
		var span [2]int
		if json.Unmarshal(one, &single) == nil {
			*l = append(*l, single)
		} else if err := json.Unmarshal(one, &span); err != nil {
			return err
		} else {
			for n := span[0]; n <= span[1]; n++ {
				*l = append(*l, n)
			}
		}
	}
	return nil
}
