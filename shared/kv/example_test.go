package kv_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
)

// Two writers append to one key. Neither loses what the other wrote.
func ExampleBucket_Update() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	js, stop := exampleServer()
	defer stop()
	if _, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "NOTES"}); err != nil {
		log.Fatal(err)
	}

	notes := kv.New(js, "NOTES")
	add := func(text string) func(kv.Entry) (kv.Write, error) {
		return func(now kv.Entry) (kv.Write, error) {
			return kv.Write{Value: append(now.Value, text...)}, nil
		}
	}
	for _, text := range []string{"one ", "two"} {
		revision, err := notes.Update(ctx, "words", add(text))
		fmt.Println("revision", revision, err)
	}
	e, err := notes.Get(ctx, "words")
	fmt.Println(string(e.Value), err)
	// Output:
	// revision 1 <nil>
	// revision 2 <nil>
	// one two <nil>
}

// exampleServer starts a server with a folder of its own.
func exampleServer() (jetstream.JetStream, func()) {
	dir, err := os.MkdirTemp("", "kv")
	if err != nil {
		log.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{JetStream: true, StoreDir: dir, DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		log.Fatal(err)
	}
	srv.Start()
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		log.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	return js, func() {
		nc.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}
}
