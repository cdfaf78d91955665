package check_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

func TestDockerfileIsSafe(t *testing.T) {
	none(t, check.DockerfileFaults(text(t, "deploy/Dockerfile")))
}

func TestDockerfileFaultsAreFound(t *testing.T) {
	given := `FROM golang:latest AS build
RUN go build
FROM scratch AS base
FROM base AS bare
ENTRYPOINT ["/x"]
FROM base AS late
ENTRYPOINT ["/x"]
USER 1000
FROM late AS heir
ENTRYPOINT ["/x"]
FROM nats AS nats
USER 0:0
ENTRYPOINT ["nats-server"]
`
	want := []string{
		"stage bare: runs as root",
		"stage build: golang:latest is not pinned",
		"stage nats: nats is not pinned",
		"stage nats: runs as root",
	}
	if diff := cmp.Diff(want, check.DockerfileFaults(given)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
