// SPDX-License-Identifier: MIT
// mix.js: 70 % POST, 25 % GET, 4 % PUT and DELETE, 1 % /query for k6, as perf/load/scenarios/mix.scenario.
//
//   k6 run -e URL=http://127.0.0.1:8080 -e RATE=1000 -e DURATION=30s [-e QUERY=0] perf/k6/mix.js
//
// Open model: requests start at a constant rate, whether those before them were answered or not. k6 counts a request
// from when it was sent; what could not be sent in time it tells as dropped_iterations, and one of them fails the run.
// Each virtual user has ids of its own, so no two calls under way name the same metric.
import http from 'k6/http';
import { check } from 'k6';

const url = __ENV.URL || 'http://127.0.0.1:8080';
const json = { 'Content-Type': 'application/json' };
const nWrites = 1000, nReads = 200, nIdsMax = 1000;
const withQuery = __ENV.QUERY !== '0';
const ids = [];

export const options = {
    discardResponseBodies: true,
    summaryTrendStats: ['med', 'p(95)', 'p(99)', 'p(99.9)', 'max', 'count'],
    scenarios: {
        mix: {
            executor: 'constant-arrival-rate',
            rate: Number(__ENV.RATE || 1000),
            timeUnit: '1s',
            duration: __ENV.DURATION || '30s',
            preAllocatedVUs: Number(__ENV.USERS || 64),
        },
    },
    // A threshold on a tag is also what makes k6 tell its figures.
    thresholds: Object.assign(
        { checks: ['rate==1'], dropped_iterations: ['count==0'] },
        ...['post', 'list', 'get', 'put', 'delete'].map((call) => ({ [`http_req_duration{call:${call}}`]: ['p(99)<10'] })),
        withQuery ? { 'http_req_duration{call:query}': ['p(99)<50'] } : {},
    ),
};

const sums = [];
for (let rank = 1, sum = 0; rank <= nReads; rank++) {
    sum += 1 / rank;
    sums.push(sum);
}

// The k-th of 200 names with weight 1/k.
function readName() {
    const wanted = Math.random() * sums[nReads - 1];
    let low = 0, high = nReads - 1;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[middle] > wanted) high = middle; else low = middle + 1;
    }
    return `load.${low + 1}`;
}

function metric() {
    const rank = 1 + Math.floor(Math.random() * nWrites);
    const region = ['eu-west', 'eu-north', 'us-east', 'us-west', 'ap-south'][rank % 5];
    return JSON.stringify({
        name: `load.${rank}`,
        tags: [`host:web-${String(rank % 50).padStart(2, '0')}`, `region:${region}`],
        value: Math.round(Math.random() * 1e7) / 1000,
        timestamp: new Date().toISOString(),
    });
}

function send(call, method, target, status, body) {
    const answer = http.request(method, url + target, body, { headers: body ? json : {}, tags: { call, name: call } });
    check(answer, { 'status as expected': (a) => a.status === status }, { call });
    return answer;
}

function post() {
    const place = send('post', 'POST', '/metrics', 201, metric()).headers.Location;
    if (place) ids[ids.length < nIdsMax ? ids.length : Math.floor(Math.random() * nIdsMax)] = place;
}

export default function () {
    const percent = Math.random() * 100;
    const place = ids.length > 0 ? Math.floor(Math.random() * ids.length) : -1;
    if (percent < 20) {
        send('list', 'GET', `/metrics?name=${readName()}&limit=100`, 200);
    } else if (percent < 25 && place >= 0) {
        send('get', 'GET', ids[place], 200);
    } else if (percent >= 25 && percent < 27 && place >= 0) {
        send('put', 'PUT', ids[place], 200, metric());
    } else if (percent >= 27 && percent < 29 && place >= 0) {
        const id = ids[place];
        ids[place] = ids[ids.length - 1];
        ids.pop();
        send('delete', 'DELETE', id, 204);
    } else if (percent >= 29 && percent < 30 && withQuery) {
        const prompt = encodeURIComponent(`average of ${readName()} in the last hour by minute`);
        send('query', 'GET', `/query?prompt=${prompt}`, 200);
    } else {
        post();
    }
}
