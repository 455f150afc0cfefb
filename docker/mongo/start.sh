#!/usr/bin/env bash
# start.sh: the image's own entry point, behind one step: mongod takes a key file only when it is its own and nobody
# else can read it, which a mounted secret is not.
set -euo pipefail
install -m 0400 -o mongodb -g mongodb /run/secrets/mongo_keyfile /tmp/mongo-keyfile
exec docker-entrypoint.sh "$@" --keyFile /tmp/mongo-keyfile
