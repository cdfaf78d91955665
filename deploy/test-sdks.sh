#!/bin/sh
# test-sdks.sh prints a folder with the packages of npm that test/sdks/node/package-lock.json
# names, for the tests of the SDKs of others. They are installed once for each lock file,
# into the cache folder, as they are: no script of theirs runs. It needs Node 20 or later and
# npm; on Debian as root it installs both where they are missing.
set -eu

cd "$(dirname "$0")/../test/sdks/node"
cache=${EYE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/theeye}
folder=$cache/sdks-$(cat package.json package-lock.json | cksum | tr ' ' -)

recent() {
	command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

if ! recent && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo 'test-sdks: installing nodejs and npm' >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get -qq update && apt-get install -qq -y --no-install-recommends nodejs npm; } >&2 </dev/null || true
fi
if ! recent; then
	echo 'test-sdks: no Node of version 20 or later with npm, and the tests of test/sdks need them: install both and run this again' >&2
	exit 1
fi
if [ ! -d "$folder" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/sdks-new.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cp package.json package-lock.json "$work"
	npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2 || {
		echo 'test-sdks: npm could not install the packages of test/sdks/node/package-lock.json' >&2
		exit 1
	}
	mv "$work" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been faster
fi
printf '%s\n' "$folder"
