-- SPDX-License-Identifier: MIT
-- get_page.lua: GET of one page. wrk -t1 -c64 -s perf/lua/get_page.lua 'URL/metrics?name=page&limit=100'
--
-- The request is always the same, so wrk makes it once, from the URL; only the closing line is this script's.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local metrics = dofile(folder .. "metrics.lua")

function done(summary, latency)
    metrics.report(summary, latency)
end
