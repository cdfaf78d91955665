package store_test

import (
	"context"
	"fmt"

	"github.com/theeye/theeye/shared/store"
)

// Two contents are sent under one event id. The first write stays; the second
// content is kept beside it as rejected. A redelivery changes nothing.
func ExampleWriter() {
	first := &store.Document{
		ID: store.DocumentID("shop", "42"), Status: store.Stored, Application: "shop", EventID: "42",
		ContentHash: "aaaa", Origin: store.Origin{Epoch: 1, Seq: 7}, Revision: 3,
	}
	second := *first
	second.ContentHash, second.Origin.Seq = "bbbb", 8

	backend := newMemory() // an adapter in production
	w := store.NewWriter(store.WriterConfig{Backend: backend})
	for range 2 {
		results, err := w.Write(context.Background(), []*store.Document{first, &second})
		fmt.Println(results[0], results[1], err)
	}
	fmt.Println(backend.docs["shop/42"].ContentHash, backend.docs["shop#bbbb/42"].Status)
	// Output:
	// inserted conflict <nil>
	// unchanged conflict <nil>
	// aaaa rejected
}

// A replay improves a document: the same message by a higher revision.
func ExampleSupersedes() {
	holder := store.Holder{ContentHash: "aaaa", Origin: store.Origin{Epoch: 1, Seq: 7}, Revision: 3}
	replayed := store.Document{ContentHash: "aaaa", Origin: holder.Origin, Revision: 4}
	fmt.Println(store.Supersedes(&replayed, holder))

	copied := replayed // the same content, sent once more
	copied.Origin.Seq = 9
	fmt.Println(store.Supersedes(&copied, holder))
	// Output:
	// true
	// false
}
