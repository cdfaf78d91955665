package events

import "context"

// Memory accounts for the documents that a question holds. Reserve sets how many
// bytes that is from now on, before they are read; its error ends the question.
type Memory interface {
	Reserve(bytes int) error
}

type memoryKey struct{}

// WithMemory returns a context whose questions account for their documents.
func WithMemory(ctx context.Context, m Memory) context.Context {
	return context.WithValue(ctx, memoryKey{}, m)
}

// reserveDocuments reserves memory for documents, where the context accounts for
// it.
func reserveDocuments(ctx context.Context, bytes int) error {
	if m, ok := ctx.Value(memoryKey{}).(Memory); ok {
		return m.Reserve(bytes)
	}
	return nil
}
