#!/bin/sh
# test-node.sh prints the Node that the tests of clients/js run with: $NODE, or that on the
# PATH, which it installs on Debian as root where there is none.
set -eu

if [ -n "${NODE:-}" ]; then
	echo "$NODE"
	exit 0
fi

recent() {
	node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 15) ? 0 : 1)' 2>/dev/null
}

if ! recent && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo 'test-node: installing nodejs' >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get -qq update && apt-get install -qq -y --no-install-recommends nodejs; } >&2 </dev/null || true
fi
if ! recent; then
	echo 'test-node: no Node of version 20.15 or later, and the tests of clients/js need it: install it and run this again' >&2
	exit 1
fi
echo node
