#!/usr/bin/env bash
# health.sh: does Redis answer a command, with the password?
REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli --no-auth-warning get health >/dev/null
