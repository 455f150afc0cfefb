# wrk and the load scripts of perf/lua. What the scripts do and what their figures mean: perf/README.md.
FROM debian:trixie-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk \
    && rm -rf /var/lib/apt/lists/*
COPY perf/lua /perf/lua
USER 10001:10001
ENTRYPOINT ["wrk"]
