#!/usr/bin/env bash
# start.sh: Redis as a cache: bounded, nothing on disk, and a password that stands in no process list, since it comes as
# configuration on standard input.
set -euo pipefail
exec docker-entrypoint.sh redis-server - < <(
    printf 'requirepass "%s"\n' "$(cat /run/secrets/redis_password)"
    echo 'appendonly no'
    echo 'save ""'
    echo 'maxmemory 256mb'
    echo 'maxmemory-policy allkeys-lru'
)
