// SPDX-License-Identifier: MIT
// Makes users and adds the shards of a new cluster; on one that is set up already it changes nothing.
const { readFileSync } = require("fs");
const secret = (name) => readFileSync(`/run/secrets/${name}`, "utf8").trim();
const admin = db.getSiblingDB("admin");
const database = `telemetry_server_${process.env.APP_ENV}`;

try {
    // The first user: MongoDB takes it without a login, from the router's own machine, and only once.
    admin.createUser({ user: "root", pwd: secret("mongo_root_password"), roles: ["root"] });
} catch (error) {
    print(`root is there already: ${error.codeName}`);
}
admin.auth("root", secret("mongo_root_password"));

if (!admin.getUser("telemetry")) {
    // To shard its collection, and to change RETENTION_DAYS without making the index anew, the server needs the right
    // to, on its own database and its one collection only.
    admin.createRole({
        role: "telemetryShard",
        privileges: [
            { resource: { db: database, collection: "" }, actions: ["enableSharding"] },
            { resource: { db: database, collection: "metrics" }, actions: ["collMod"] },
        ],
        roles: [{ role: "readWrite", db: database }],
    });
    admin.createUser({ user: "telemetry", pwd: secret("mongo_password"), roles: ["telemetryShard"] });
}

const known = admin.runCommand({ listShards: 1 }).shards.map((shard) => shard._id);
for (const shard of process.env.SHARDS.split(" ")) {
    if (!known.includes(shard.split("/")[0])) printjson(sh.addShard(shard));
}
