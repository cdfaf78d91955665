// Package harness builds the project's real binaries and runs them as processes,
// for tests and benchmarks that need what people run: kill -9, signals, exit
// codes, several processes side by side.
//
// It ends only what it started. Every process listens on 127.0.0.1, on ports
// that were free a moment ago and stay the process's own over restarts.
package harness
