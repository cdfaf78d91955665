// Package duckdb proves that DuckDB reads the Parquet files of shared/columns as they
// lie, and counts and sums the same as Go. Its benchmark asks both for the same
// statistics of the same files. It is a module of its own because DuckDB needs cgo:
// nothing imports it, and no program is built with it.
package duckdb
