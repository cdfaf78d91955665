#!/bin/sh
# ui.sh type-checks and tests the sources of the web UI, builds them, and compares the
# result with the files that are committed; with --write it replaces these. It works in a
# folder of its own, with the packages of the lock file. It needs node 20 and npm.
set -eu

cd "$(dirname "$0")/.."
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The tests read vectors of the Go packages, by their path from the sources.
mkdir -p "$work/queryapi" "$work/shared/query/filter"
cp -R shared/query/filter/testdata "$work/shared/query/filter/"
(cd queryapi && tar -cf - --exclude node_modules --exclude dist ui) | (cd "$work/queryapi" && tar -xf -)
cd "$work/queryapi/ui"
npm ci --ignore-scripts --silent
npm run --silent test
npm run --silent build

axe=$top/test/ui/testdata/axe
if [ "${1:-}" = --write ]; then
	rm -rf "$top/queryapi/ui/dist"
	cp -R dist "$top/queryapi/ui/dist"
	gzip -n9c node_modules/axe-core/axe.min.js >"$axe/axe.min.js.gz"
	cp node_modules/axe-core/LICENSE "$axe/LICENSE"
	exit 0
fi
status=0
diff -r dist "$top/queryapi/ui/dist" >/dev/null || status=1
gzip -dc "$axe/axe.min.js.gz" | cmp - node_modules/axe-core/axe.min.js || status=1
cmp "$axe/LICENSE" node_modules/axe-core/LICENSE || status=1
[ $status = 0 ] || echo 'ui: the committed files are not those of the sources; make ui replaces them' >&2
exit $status
