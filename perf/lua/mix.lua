-- SPDX-License-Identifier: MIT
-- mix.lua: 70 % POST, 25 % GET, 4 % PUT and DELETE, 1 % /query, as perf/load/scenarios/mix.scenario.
--   wrk  -t1 -c64 -d10 --latency -s perf/lua/mix.lua URL [-- no-query]
--   wrk2 -t1 -c64 -d10 -R10000 --latency -s perf/lua/mix.lua URL [-- no-query]
--
-- Lists are of 200 series, the first the likeliest (Zipf). An answer does not say which request it belongs to, so an
-- id cannot be put back: every other id is kept for DELETE alone, and no GET or PUT meets one that is gone.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local metrics = dofile(folder .. "metrics.lua")

local n_posts, n_filters, n_ids_max = 32768, 200, 50000
local json = { ["Content-Type"] = "application/json" }
local bodies, lists, likely, queries = {}, {}, {}, {}
local kept, doomed, n_seen, at = {}, {}, 0, 0
local with_query = true

local function post()
    at = at % n_posts + 1
    return wrk.format("POST", "/metrics", json, bodies[at])
end

-- A rank of 1 to 200, the k-th with weight 1/k, by binary search in the running sums.
local function rank()
    local wanted, low, high = math.random() * likely[n_filters], 1, n_filters
    while low < high do
        local middle = math.floor((low + high) / 2)
        if likely[middle] > wanted then high = middle else low = middle + 1 end
    end
    return low
end

local function on_id(method, ids, take, body)
    if #ids == 0 then return post() end
    local place = math.random(#ids)
    local id = ids[place]
    if take then
        ids[place] = ids[#ids]
        ids[#ids] = nil
    end
    return wrk.format(method, "/metrics/" .. id, body and json or nil, body)
end

function init(arguments)
    local now_ms, sum = os.time() * 1000, 0
    with_query = arguments[1] ~= "no-query"
    math.randomseed(20260101)
    for i = 1, n_posts do
        bodies[i] = metrics.json(i, now_ms + i)
    end
    for i = 1, n_filters do
        sum = sum + 1 / i
        likely[i] = sum
        local name, host = bodies[i]:match('"name":"([^"]+)","tags":%["([^"]+)"')
        lists[i] = wrk.format("GET", ("/metrics?name=%s&tag=%s&limit=100"):format(name, host))
        queries[i] = wrk.format("GET", ("/query?prompt=average%%20of%%20%s%%20in%%20the%%20last%%20hour%%20by%%20minute")
            :format(name))
    end
end

function request()
    local percent = math.random(100)
    if percent <= 70 then return post() end
    if percent <= 90 then return lists[rank()] end
    if percent <= 95 then return on_id("GET", kept, false) end
    if percent <= 97 then return on_id("PUT", kept, false, bodies[math.random(n_posts)]) end
    if percent <= 99 then return on_id("DELETE", doomed, true) end
    return with_query and queries[rank()] or post()
end

function response(status, headers)
    local location = status == 201 and (headers["Location"] or headers["location"])
    if not location then return end
    n_seen = n_seen + 1
    local ids = n_seen % 2 == 0 and kept or doomed
    ids[#ids < n_ids_max and #ids + 1 or math.random(n_ids_max)] = location:match("[^/]+$")
end

function done(summary, latency)
    metrics.report(summary, latency)
end
