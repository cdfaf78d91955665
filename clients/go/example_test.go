package eye_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	eye "github.com/theeye/theeye/clients/go"
)

func Example() {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"accepted": 1, "refused": 0, "results": [{"index": 0, "event_id": "…", "status": "accepted"}]}`)
	}))
	defer collector.Close()

	client, err := eye.New(eye.Config{URL: collector.URL, WriteKey: "dev-write-key"})
	if err != nil {
		fmt.Println(err) // and go on: a client that is nil drops and counts
	}
	_ = client.Enqueue(eye.Event{
		SessionID: "e2085be5-9137-4e4e-80b5-f1ffddc25423", Category: "page interaction", Name: "pageview",
		Data: map[string]any{"host": "www.example.com", "path": "/pricing"},
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(client.Close(ctx), client.Stats().Accepted)
	// Output: <nil> 1
}
