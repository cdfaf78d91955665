#!/bin/sh
# test-python.sh prints the Python that the tests of clients/python run with: $PYTHON, or the
# first of python3 and /usr/bin/python3 that has Django, Flask, and pip for new environments. On
# Debian as root it installs what is missing. Without Django and Flask their middlewares are
# tested as WSGI and ASGI alone, and it says so.
set -eu

if [ -n "${PYTHON:-}" ]; then
	echo "$PYTHON"
	exit 0
fi

# find prints the first Python that is recent, and imports the modules named.
find() {
	for python in python3 /usr/bin/python3; do
		if "$python" -c "import sys, $1; assert sys.version_info >= (3, 9)" >/dev/null 2>&1; then
			echo "$python"
			return 0
		fi
	done
	return 1
}

find 'django, flask, ensurepip' && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	export DEBIAN_FRONTEND=noninteractive
	packages='python3 python3-venv python3-django python3-flask mypy'
	# shellcheck disable=SC2086 # several words are meant
	apt-get install -qq -y --no-install-recommends $packages </dev/null >&2 ||
		{ apt-get -qq update && apt-get install -qq -y --no-install-recommends $packages; } </dev/null >&2 || true
	find 'django, flask, ensurepip' && exit 0
fi
if find ensurepip; then
	echo "Django and Flask are not installed: the middlewares are tested as WSGI and ASGI alone" >&2
	exit 0
fi
echo "no Python of 3.9 or later with pip for new environments, and the tests of clients/python need one: install python3 and python3-venv, and run this again" >&2
exit 1
