// Package harness builds the project's real binaries and runs them as processes,
// for tests and benchmarks of whole processes: kill -9, signals, exit codes,
// several processes side by side.
//
// It ends only processes that it started. Every process listens on 127.0.0.1, on
// ports that were free when it was configured and that it keeps over restarts.
package harness
