#!/bin/sh
# fuzz.sh TIME MODULE... runs every fuzz target of the modules for TIME each (5m, or
# 10000x inputs: with a time, the tool now and then ends in "context deadline
# exceeded" without having found anything), one
# after the other, and fails if one of them found something. What it found is
# under testdata/fuzz of its package.
set -eu

GO=${GO:-go}
time=$1
shift
top=$(pwd)
failed=
count=0
for module in "$@"; do
	folders=$(grep -rl --include='*_test.go' '^func Fuzz' "$module" | sed 's#/[^/]*$##' | sort -u)
	for folder in $folders; do
		cd "$top/$folder"
		for target in $("$GO" test -list '^Fuzz' . | grep '^Fuzz'); do
			count=$((count + 1))
			echo "== $folder $target"
			"$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" . || failed="$failed $folder:$target"
		done
		cd "$top"
	done
done
if [ -n "$failed" ]; then
	echo "fuzz: failed:$failed"
	exit 1
fi
echo "fuzz: $count targets, $time each, nothing found"
