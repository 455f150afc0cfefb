-- SPDX-License-Identifier: MIT
-- post_batch.lua: POST /metrics, 1,000 metrics a request as NDJSON. wrk -t1 -c8 -s perf/lua/post_batch.lua URL
--
-- Like post_single.lua with larger requests: the ring holds 64,000 metrics.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local metrics = dofile(folder .. "metrics.lua")

local n_requests, n_lines = 64, 1000
local ring, at = {}, 0

function init()
    local now_ms = os.time() * 1000
    local headers = { ["Content-Type"] = "application/x-ndjson" }
    local lines = {}
    for i = 1, n_requests do
        for line = 1, n_lines do
            local number = (i - 1) * n_lines + line
            lines[line] = metrics.json(number, now_ms + number)
        end
        ring[i] = wrk.format("POST", "/metrics", headers, table.concat(lines, "\n") .. "\n")
    end
end

function request()
    at = at % n_requests + 1
    return ring[at]
end

function done(summary, latency)
    metrics.report(summary, latency)
end
