// Package ui tests the web UI, one file a screen, in a real Chromium against a real
// `theeye up --dev` with the events of `theeye demo`. Every test fails on a violation of
// the page's policy, on an error in its console and on an exception.
//
// EYE_TEST_CHROMIUM is the path of the Chromium; deploy/test-chromium.sh finds or
// installs one. With EYE_TEST_SCREENSHOTS, a folder, the tests leave pictures of every
// screen there: light and dark, wide and narrow.
package ui
