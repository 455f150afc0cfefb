-- SPDX-License-Identifier: MIT
-- metrics.lua: what the post scripts share: metrics as a fleet of hosts would send them, and the closing line.
--
-- There are 1,000 series: 50 hosts x 20 names, each with two tags. Values differ in size and precision; timestamps
-- advance from the moment the script is loaded. The sequence is the same in every run, except for the time.
local metrics = {}

local names = {}
for unit in ("cpu.user cpu.system cpu.idle cpu.iowait memory.used memory.free load.1m load.5m disk.read disk.write " ..
             "disk.used network.received network.sent http.requests http.errors http.latency queue.depth " ..
             "process.threads process.files temperature"):gmatch("%S+") do
    names[#names + 1] = unit
end
local n_hosts = 50
local regions = { "eu-west", "eu-north", "us-east", "us-west", "ap-south" }

metrics.n_series = #names * n_hosts

local seed = 20260101
local function random(n) -- Park and Miller: the same numbers wherever it runs
    seed = seed * 16807 % 2147483647
    return seed % n
end

-- The i-th metric of the sequence as JSON text; it happened at the given time.
function metrics.json(i, timestamp_ms)
    local series = i % metrics.n_series
    local host = math.floor(series / #names)
    local precision = random(4)
    return ('{"name":"%s","tags":["host:web-%02d","region:%s"],"value":%.' .. precision .. 'f,"timestamp":"%s.%03dZ"}')
        :format(names[series % #names + 1], host, regions[host % #regions + 1], random(10 ^ (2 + random(5))) / 7,
                os.date("!%Y-%m-%dT%H:%M:%S", math.floor(timestamp_ms / 1000)), timestamp_ms % 1000)
end

-- One line of JSON with the exact counts, for perf/run: wrk's own report rounds.
function metrics.report(summary, latency)
    local errors = summary.errors
    io.write(('{"requests":%d,"duration_us":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d')
        :format(summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write,
                errors.timeout, errors.status))
    for _, percent in ipairs({ 50, 95, 99, 99.9 }) do
        io.write((',"p%g_us":%d'):format(percent, latency:percentile(percent)))
    end
    io.write((',"max_us":%d}\n'):format(latency.max))
end

return metrics
