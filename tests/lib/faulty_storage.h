/* SPDX-License-Identifier: MIT */
/* faulty_storage: a store in front of another one, which fails, or takes its time, when it is told to. */
#pragma once

#include <telemetry/storage.h>

struct faulty_storage {
    struct storage_head head;
    const struct storage_ops *ops; /* of the store behind it */
    struct storage *storage;
    enum status write_status, read_status; /* not STATUS_OK: how all calls end, unseen by the store behind */
    uint64_t write_ns;                     /* how long a call that writes takes at least */
};

/* For sessions over a struct faulty_storage, which is set up by hand: open and close are not there. */
extern const struct storage_ops faulty_storage_ops;
