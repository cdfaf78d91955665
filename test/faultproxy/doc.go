// Package faultproxy stands between a client and a server and, for a test,
// breaks the connection between them: cut, refused or slow. The server itself
// stays as it is, so a test may share it with others.
package faultproxy
