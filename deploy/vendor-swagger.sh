#!/bin/sh
# vendor-swagger.sh compares the vendored files of Swagger UI with the npm package
# that files/SOURCE.md names, whose integrity it verifies; with --write it replaces
# them. It needs npm, python3, gzip and tar.
set -eu

cd "$(dirname "$0")/../queryapi/apidoc/swagger/files"
version=$(sed -n 's/^- version //p' SOURCE.md)
integrity=$(sed -n 's/^- integrity of the package: sha512-//p' SOURCE.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && npm pack --silent "swagger-ui-dist@$version" >/dev/null)
archive=$work/swagger-ui-dist-$version.tgz
found=$(python3 -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' "$archive")
if [ "$found" != "$integrity" ]; then
	echo "vendor-swagger: the integrity of swagger-ui-dist $version is sha512-$found, not that of SOURCE.md" >&2
	exit 1
fi
tar -xzf "$archive" -C "$work"

status=0
for name in swagger-ui-bundle.js swagger-ui.css; do
	if [ "${1:-}" = --write ]; then
		gzip -n9c "$work/package/$name" >"$name.gz"
	elif ! gzip -dc "$name.gz" | cmp - "$work/package/$name"; then
		status=1
	fi
done
for name in LICENSE NOTICE swagger-ui-bundle.js.LICENSE.txt; do
	if [ "${1:-}" = --write ]; then
		cp "$work/package/$name" "$name"
	elif ! cmp "$name" "$work/package/$name"; then
		status=1
	fi
done
[ $status = 0 ] || echo 'vendor-swagger: the vendored files are not those of the package; deploy/vendor-swagger.sh --write replaces them' >&2
exit $status
