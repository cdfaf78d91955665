// Package tracker tests the browser script, collector/tracker, in a real Chromium: in
// pages of another origin than that of a real `theeye up`, where their events are stored.
//
// EYE_TEST_CHROMIUM is the path of the Chromium; deploy/test-chromium.sh finds or
// installs one.
package tracker
