#!/usr/bin/env bash
# balancer-health.sh: does the balancer pass a request on to a server that can serve?
exec 3<>"/dev/tcp/127.0.0.1/${1:-8080}"
printf 'GET /readyz HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 answer <&3
[[ $answer == 'HTTP/1.1 200 '* ]]
