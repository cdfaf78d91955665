// Package sdks tests that the SDKs of other products, unmodified, send their messages
// to The Eye, and that each ends stored under the mapping of docs/adapters.md, once.
//
//	site with an SDK → recorder → gate of test/clients → collector, stream, store
//
// The recorder keeps what the SDK sends; what must be stored is translated from it here,
// a second time, by the words of the document. The rounds are a calm one, one in which
// The Eye was killed and starts again, and one in which answers are lost after the
// acceptance.
//
// SDKs of npm run under Node, and in a page; make sdks installs them. It is a module of
// its own, so that the modules of the project do not depend on the SDKs of others.
package sdks
