#!/bin/sh
# A Pulsar node for video from a fresh clone: sh start_pulsar_node.sh, until Ctrl-C; with -d in the background.
# Other options are those of 'pulsar-cam node start'.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
sh "$root/scripts/setup" node

if [ "${1-}" = -d ]; then
    shift
else
    set -- --foreground "$@"
fi
exec "$root/.venv/bin/pulsar-cam" node start "$@"
