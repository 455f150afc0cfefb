// SPDX-License-Identifier: MIT
// The server's own user, who may use its database and nothing else. Run by the image when the store is empty.
const { readFileSync } = require("fs");

db.getSiblingDB("admin").createUser({
    user: "telemetry",
    pwd: readFileSync("/run/secrets/mongo_password", "utf8").trim(),
    roles: [{ role: "readWrite", db: `telemetry_server_${process.env.APP_ENV}` }],
});
