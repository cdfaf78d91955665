#!/bin/sh
# build-js.sh type-checks the sources of the browser script and of the JavaScript client,
# builds them, and compares the results with the files that are committed; with --write it
# replaces these. It works in a folder of its own, with the packages of the lock file. It
# needs node 20 and npm.
set -eu

cd "$(dirname "$0")/.."
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tar -cf - --exclude node_modules --exclude dist collector/tracker clients/js | (cd "$work" && tar -xf -)
cd "$work/collector/tracker"
npm ci --ignore-scripts --silent
npm run --silent build
cd "$work"

for built in collector/tracker/dist clients/js/dist; do
	if [ "${1:-}" = --write ]; then
		rm -rf "${top:?}/$built"
		cp -R "$built" "$top/$built"
		continue
	fi
	diff -r "$built" "$top/$built" >/dev/null || {
		echo "js: $built is not that of the sources; make js replaces it" >&2
		exit 1
	}
done
