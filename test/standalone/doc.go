// Package standalone holds the tests of the single process as a whole: starting
// and stopping, access to the API, the registry under load, and a full disk.
package standalone
