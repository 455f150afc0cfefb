// SPDX-License-Identifier: MIT
// The server's own user, who may use its database and nothing else. Run by the image when the store is empty.
const { readFileSync } = require("fs");
const admin = db.getSiblingDB("admin");
const database = `telemetry_server_${process.env.APP_ENV}`;

// To change RETENTION_DAYS without making the index anew the server needs collMod on its one collection.
admin.createRole({
    role: "telemetryStore",
    privileges: [{ resource: { db: database, collection: "metrics" }, actions: ["collMod"] }],
    roles: [{ role: "readWrite", db: database }],
});
admin.createUser({
    user: "telemetry",
    pwd: readFileSync("/run/secrets/mongo_password", "utf8").trim(),
    roles: ["telemetryStore"],
});
