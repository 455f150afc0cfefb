/* SPDX-License-Identifier: MIT */
/* address: where a client is, and sets of such places.
 *
 * All addresses are IPv6; those of IPv4 are mapped into it (RFC 4291, 2.5.5.2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

struct sockaddr;

enum { ADDRESS_BYTES = 16, NETWORKS_MAX = 64 };

struct address {
    uint8_t bytes[ADDRESS_BYTES];
};

struct network {
    struct address address;
    uint8_t bits; /* of the address that count, 0..128 */
};

struct networks {
    unsigned n;
    struct network list[NETWORKS_MAX];
};

/* The address of an IPv4 or IPv6 socket; all zero for any other. */
struct address address_of_socket(const struct sockaddr *socket);
/* Reads "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". False for anything else. */
MUST_CHECK bool address_parse(struct slice text, struct address *ret_address);
/* Reads "10.0.0.0/8, ::1, ..."; NULL, or a static sentence that says what is wrong. */
const char *networks_parse(struct slice text, struct networks *ret_networks);
bool networks_have(const struct networks *networks, const struct address *address);

/* The client behind trusted proxies: the last address of an X-Forwarded-For that is no trusted one. `peer` when it is
 * not trusted itself, when there is no such field, or where the field is none. */
struct address client_address(const struct networks *trusted, struct address peer, struct slice forwarded_for);

/* What one client's addresses have in common: a number for all of IPv4's, for the /64 of IPv6's, the same on all
 * servers. */
uint64_t address_hash(const struct address *address);
