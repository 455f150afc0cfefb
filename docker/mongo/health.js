// SPDX-License-Identifier: MIT
// Is this member fit to be written to? Exit 0 or 1. A member of a replica set that was never set up is set up here, once:
// a check runs on the member's own machine, where MongoDB lets a set without users be set up without a login.
// Without REPLICA_SET it is a router, and healthy when it answers.
const { existsSync, readFileSync } = require("fs");
const { REPLICA_SET, REPLICA_HOST, CONFIG_SERVER, MONGO_INITDB_ROOT_USERNAME, MONGO_INITDB_ROOT_PASSWORD_FILE } = process.env;

const hello = db.hello();
if (!REPLICA_SET) quit(hello.ok === 1 ? 0 : 1);

if (hello.isreplicaset) {
    const admin = db.getSiblingDB("admin");
    if (MONGO_INITDB_ROOT_PASSWORD_FILE && existsSync(MONGO_INITDB_ROOT_PASSWORD_FILE)) {
        admin.auth(MONGO_INITDB_ROOT_USERNAME, readFileSync(MONGO_INITDB_ROOT_PASSWORD_FILE, "utf8").trim());
    }
    const role = CONFIG_SERVER ? { configsvr: true } : {};
    rs.initiate({ _id: REPLICA_SET, ...role, members: [{ _id: 0, host: REPLICA_HOST }] });
}
// While the image sets up its users, a mongod without a replica set answers here: not yet healthy.
quit(hello.setName === REPLICA_SET && hello.isWritablePrimary ? 0 : 1);
