package httpserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

// A handler returns a Failure as its error, and the router writes it.
func ExampleFailure_Write() {
	w := httptest.NewRecorder()
	httpserver.Unavailable(api.CodeOverloaded, "too many queries are running", 1500*time.Millisecond, nil).Write(w)

	fmt.Println(w.Code, http.StatusText(w.Code))
	fmt.Println("Content-Type:", w.Header().Get("Content-Type"))
	fmt.Println("Retry-After:", w.Header().Get("Retry-After"))
	fmt.Print(w.Body)
	// Output:
	// 503 Service Unavailable
	// Content-Type: application/problem+json
	// Retry-After: 2
	// {"type":"about:blank","title":"Service Unavailable","status":503,"code":"overloaded","detail":"too many queries are running"}
}
