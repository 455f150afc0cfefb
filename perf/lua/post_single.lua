-- SPDX-License-Identifier: MIT
-- post_single.lua: POST /metrics, one metric a request. wrk -t1 -c64 -s perf/lua/post_single.lua URL
--
-- The requests are made before the clock starts and then sent in turn, so that wrk spends its time on sending.
-- When the ring is through it begins again: the server mints new ids, so these are new metrics.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local metrics = dofile(folder .. "metrics.lua")

local n_requests = 32768
local ring, at = {}, 0

function init()
    local now_ms = os.time() * 1000
    local headers = { ["Content-Type"] = "application/json" }
    for i = 1, n_requests do
        ring[i] = wrk.format("POST", "/metrics", headers, metrics.json(i, now_ms + i))
    end
end

function request()
    at = at % n_requests + 1
    return ring[at]
end

function done(summary, latency)
    metrics.report(summary, latency)
end
