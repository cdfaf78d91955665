// Package apicheck compares the answers of running services with the OpenAPI
// document. Tests send their requests through a Transport, so that every
// answer any test ever sees is checked: a status, a header or a member that
// the document does not know is an error.
package apicheck

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/theeye/theeye/queryapi/apidoc"
)

var compiled = sync.OnceValues(func() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData(apidoc.Document())
	if err != nil {
		return nil, fmt.Errorf("load the OpenAPI document: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validate the OpenAPI document: %w", err)
	}
	for _, kind := range []string{"image/gif", "text/javascript"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	return document, nil
})

// Valid reports why the document itself is invalid.
func Valid() error {
	_, err := compiled()
	return err
}

// Check reports how an answer differs from the document. For an answer that
// grants the request, the parameters of the request are checked too: a service
// must not accept what the document forbids. resp.Body is read and put back.
func Check(req *http.Request, resp *http.Response) error {
	document, err := compiled()
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = unzip(body); err != nil {
			return fmt.Errorf("unzip the answer: %w", err)
		}
	}
	if err := check(document, req, resp, body); err != nil {
		return fmt.Errorf("%s %s answered %d %.300q: %w", req.Method, req.URL, resp.StatusCode, body, err)
	}
	return nil
}

func unzip(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func check(document *openapi3.T, req *http.Request, resp *http.Response, body []byte) error {
	bodiless := req.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent
	found, params, ok := route(document, described(req.Method), req.URL)
	if !ok {
		return offTheMap(document, resp, body, bodiless)
	}
	asked := req.Clone(req.Context())
	asked.Body = http.NoBody
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		ExcludeRequestBody: true, IncludeResponseStatus: true, MultiError: true,
		ExcludeResponseBody: bodiless,
	}
	// By default an error prints the schema with everything in it.
	options.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string { return err.Reason })
	input := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: params, Route: found,
		Options: options,
	}
	if resp.StatusCode < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
			return fmt.Errorf("granted, though the document forbids the request: %w", err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: options,
	}
	output.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(req.Context(), output)
}

// offTheMap checks the answer to a path or method that the document does not
// have: a problem that says so.
func offTheMap(document *openapi3.T, resp *http.Response, body []byte, bodiless bool) error {
	switch resp.StatusCode {
	case http.StatusNotFound:
	case http.StatusMethodNotAllowed:
		if resp.Header.Get("Allow") == "" {
			return errors.New("405 without Allow")
		}
	default:
		return errors.New("the document has no such call")
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		return fmt.Errorf("an error of content type %q", got)
	}
	if bodiless {
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	return document.Components.Schemas["Problem"].Value.VisitJSON(value, openapi3.EnableJSONSchema2020())
}
