#!/bin/sh
# need-cc.sh makes sure that a C compiler is there: Go's race detector links with one on
# Linux, and so does the DuckDB of the tests; The Eye itself needs none. On Debian as root it installs gcc.
set -eu

if command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1; then
	exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	export DEBIAN_FRONTEND=noninteractive
	packages='gcc libc6-dev'
	# shellcheck disable=SC2086 # two words are meant
	apt-get install -qq -y --no-install-recommends $packages </dev/null >&2 ||
		{ apt-get -qq update && apt-get install -qq -y --no-install-recommends $packages; } </dev/null >&2
	exit 0
fi
echo "no C compiler, and the race detector and DuckDB need one: install gcc (or clang) and run this again" >&2
exit 1
