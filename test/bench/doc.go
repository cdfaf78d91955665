// Package bench measures the whole pipeline, as real processes with every
// commit synced to disk, against bare inserts into the same database in the
// same run: the ratio holds where absolute rates drift with the machine.
//
//	go test -run '^$' -bench . ./bench
//
// The load generator, the services and the database share the machine's
// cores. Sizes are set by the environment:
//
//	EYE_BENCH_SECONDS   length of a sustained run, default 20
//	EYE_BENCH_STORED    events already stored in the large runs, default 100000
//	EYE_BENCH_EVENTS    events that are replayed, default 200000
//	EYE_SOAK_SECONDS    length of the memory run, default 60
//
// Nothing here fails because a machine is slow.
package bench
