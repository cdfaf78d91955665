// Package pages tests what a page of another origin may send and read, in a real
// Chromium against a real `theeye up`: no other client sends preflight requests, and
// no other hides answers.
//
// EYE_TEST_CHROMIUM is the path of the Chromium; deploy/test-chromium.sh finds or
// installs one.
package pages
