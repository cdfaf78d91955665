#!/bin/sh
# build-js.sh type-checks the sources of the browser script, builds them, and compares the
# result with the file that is committed; with --write it replaces this. It works in a
# folder of its own, with the packages of the lock file. It needs node 20 and npm.
set -eu

cd "$(dirname "$0")/.."
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tar -cf - --exclude node_modules --exclude dist collector/tracker clients/js | (cd "$work" && tar -xf -)
cd "$work/collector/tracker"
npm ci --ignore-scripts --silent
npm run --silent build

if [ "${1:-}" = --write ]; then
	mkdir -p "$top/collector/tracker/dist"
	cp dist/tracker.js "$top/collector/tracker/dist/tracker.js"
	exit 0
fi
cmp dist/tracker.js "$top/collector/tracker/dist/tracker.js" || {
	echo 'js: the committed script is not that of the sources; make js replaces it' >&2
	exit 1
}
