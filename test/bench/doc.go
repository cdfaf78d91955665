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
//	EYE_SOAK_SECONDS    length of the memory run, default 60; of make soak, default 600
//	EYE_BENCH_MANY      events stored in make bench-10m, default 10000000
//	EYE_BENCH_PROFILES  folder for CPU profiles of the processors in each job
//
// A row with a bar says whether it is reached or MISSED.
//
// Nothing here fails because a machine is slow.
package bench
