package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
)

// A program prints the newest events of a session, page by page.
func Example() {
	server := serve(http.StatusOK,
		`{"events": [{"event_id": "2", "category": "page interaction", "name": "cta click"}], "next_cursor": "AQ"}`,
		`{"events": [{"event_id": "1", "category": "page interaction", "name": "pageview"}], "next_cursor": null}`)
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Token: "analyst-token", UserAgent: "example/1.0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	pages := c.Pages(context.Background(), client.List{
		Path: api.PathEvents, Member: "events", Query: map[string][]string{"session_id": {"s"}},
		PageSize: client.EventPageSize, Limit: 5000,
	})
	for page, err := range pages {
		if err != nil {
			fmt.Println(err)
			return
		}
		events, err := client.DecodeItems[api.Event](page.Items)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range events {
			fmt.Println(e.EventID, e.Category, "/", e.Name)
		}
	}
	// Output:
	// 2 page interaction / cta click
	// 1 page interaction / pageview
}

// A program decides by the code of a problem.
func ExampleProblemError() {
	server := serve(http.StatusUnauthorized, `{"code": "unauthorized", "detail": "the token is not valid"}`)
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Token: "revoked"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Get(context.Background(), api.PathStatus, nil, &api.Status{})
	var p *client.ProblemError
	if errors.As(err, &p) && p.Code == api.CodeUnauthorized {
		fmt.Println("the token is not valid any more")
	}
	// Output: the token is not valid any more
}

// serve starts a server that stands for The Eye. It answers each request with
// the next body.
func serve(status int, bodies ...string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, bodies[0])
		bodies = bodies[1:]
	}))
}
