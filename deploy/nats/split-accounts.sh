#!/bin/sh
# Moves the data of a NATS server of one account into the accounts of nats.conf, once:
#   split-accounts.sh STORE_DIR
# STORE_DIR is the store_dir of the server, which must be stopped. Nothing is copied or
# removed; to go back, move the folders back.
set -eu

store=${1:?usage: split-accounts.sh STORE_DIR}/jetstream
from="$store/\$G/streams"
if [ ! -d "$from" ]; then
	echo "nothing to move: there is no $from"
	exit 0
fi

account_of() {
	case $1 in
	EVENTS) echo EVENTS ;;
	KV_SCHEMAS | KV_APPLICATIONS | KV_TOKENS | KV_APPLIED | CHANGES) echo REGISTRY ;;
	KV_JOBS | KV_SERVICES | KV_USES) echo RUNNING ;;
	esac
}

# First a look at all: a move of a part would be hard to continue.
for path in "$from"/*; do
	stream=${path##*/}
	account=$(account_of "$stream")
	if [ -n "$account" ] && [ -e "$store/$account/streams/$stream" ]; then
		echo "nothing was moved: $store/$account/streams/$stream exists. The server has run with the new accounts already; move its data away first, if it holds nothing that you need" >&2
		exit 1
	fi
done

for path in "$from"/*; do
	stream=${path##*/}
	account=$(account_of "$stream")
	if [ -z "$account" ]; then
		echo "left where it is: $stream is not of The Eye"
		continue
	fi
	mkdir -p "$store/$account/streams"
	mv "$path" "$store/$account/streams/$stream"
	echo "moved $stream to account $account"
done
