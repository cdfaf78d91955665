#!/bin/sh
# test-chromium.sh prints the path of a Chromium for tests of pages.
#
# The first of these that exists is used:
#   1. EYE_TEST_CHROMIUM
#   2. chromium-headless-shell, chromium, google-chrome on the PATH
#   3. Debian as root: the package chromium-headless-shell is installed (about 60 MB)
set -eu

if [ -n "${EYE_TEST_CHROMIUM:-}" ]; then
	printf '%s\n' "$EYE_TEST_CHROMIUM"
	exit 0
fi

find_chromium() {
	for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" && return 0
	done
	return 1
}

find_chromium && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo 'test-chromium: installing chromium-headless-shell' >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get -qq update && apt-get install -qq -y --no-install-recommends chromium-headless-shell; } >&2 </dev/null
	find_chromium && exit 0
fi
echo 'test-chromium: no Chromium: install chromium, or set EYE_TEST_CHROMIUM to the path of one' >&2
exit 1
