/* SPDX-License-Identifier: MIT */
#include <telemetry/address.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <telemetry/hash.h>

enum { MAPPED_BYTES = 12, V4_BITS = 32, V6_BITS = 128, CLIENT_BYTES = 8 };

static const uint8_t mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

static struct address address_of_v4(const void *bytes)
{
    struct address address;
    memcpy(address.bytes, mapped, MAPPED_BYTES);
    memcpy(address.bytes + MAPPED_BYTES, bytes, ADDRESS_BYTES - MAPPED_BYTES);
    return address;
}

static bool is_v4(const struct address *address)
{
    return memcmp(address->bytes, mapped, MAPPED_BYTES) == 0;
}

struct address address_of_socket(const struct sockaddr *socket)
{
    struct address address = { { 0 } };
    if (socket->sa_family == AF_INET)
        return address_of_v4(&((const struct sockaddr_in *)(const void *)socket)->sin_addr);
    if (socket->sa_family == AF_INET6)
        memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, ADDRESS_BYTES);
    return address;
}

bool address_parse(struct slice text, struct address *ret_address)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = (struct slice){ text.data + 1, text.len - 2 };
    if (text.len >= sizeof(copy) || (text.len > 0 && memchr(text.data, '\0', text.len) != NULL))
        return false;
    memcpy(copy, text.len == 0 ? "" : text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        *ret_address = address_of_v4(&v4);
        return true;
    }
    struct address address;
    if (inet_pton(AF_INET6, copy, address.bytes) != 1)
        return false;
    *ret_address = address;
    return true;
}

/* Networks ------------------------------------------------------------------- */

static bool bits_parse(struct slice digits, unsigned max, unsigned *ret_bits)
{
    unsigned bits = 0;
    if (digits.len == 0 || digits.len > 3)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(digits.data[i] - '0');
    }
    *ret_bits = bits;
    return bits <= max;
}

static const char *network_parse(struct slice text, struct network *ret_network)
{
    const char *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
    struct slice host = { text.data, slash == NULL ? text.len : (size_t)(slash - text.data) };
    struct address address;
    if (!address_parse(host, &address))
        return "a network is an address, or an address and how many of its bits count, such as 10.0.0.0/8";
    unsigned max = is_v4(&address) ? V4_BITS : V6_BITS, bits = max;
    if (slash != NULL && !bits_parse((struct slice){ slash + 1, text.len - host.len - 1 }, max, &bits))
        return "behind the slash stands a number of bits: 0 to 32 for IPv4, 0 to 128 for IPv6";
    *ret_network = (struct network){ address, (uint8_t)(bits + V6_BITS - max) };
    return NULL;
}

const char *networks_parse(struct slice text, struct networks *ret_networks)
{
    struct networks networks = { .n = 0 };
    while (slice_trim(text).len > 0) {
        const char *comma = memchr(text.data, ',', text.len);
        struct slice one = { text.data, comma == NULL ? text.len : (size_t)(comma - text.data) };
        size_t taken = one.len + (comma != NULL);
        if (networks.n == NETWORKS_MAX)
            return "there are more than 64 networks";
        const char *fault = network_parse(slice_trim(one), &networks.list[networks.n]);
        if (fault != NULL)
            return fault;
        networks.n++;
        text = (struct slice){ text.data + taken, text.len - taken };
    }
    *ret_networks = networks;
    return NULL;
}

static bool network_has(const struct network *network, const struct address *address)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (memcmp(network->address.bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || (network->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
    for (unsigned i = 0; i < networks->n; i++)
        if (network_has(&networks->list[i], address))
            return true;
    return false;
}

/* Clients -------------------------------------------------------------------- */

struct address client_address(const struct networks *trusted, struct address peer, struct slice forwarded_for)
{
    struct address client = peer;
    while (networks_have(trusted, &client) && forwarded_for.len > 0) {
        const char *comma = memrchr(forwarded_for.data, ',', forwarded_for.len);
        size_t start = comma == NULL ? 0 : (size_t)(comma - forwarded_for.data) + 1;
        struct slice last = { forwarded_for.data + start, forwarded_for.len - start };
        if (!address_parse(slice_trim(last), &client))
            return peer;
        forwarded_for.len = comma == NULL ? 0 : start - 1;
    }
    return client;
}

uint64_t address_hash(const struct address *address)
{
    size_t bytes = is_v4(address) ? ADDRESS_BYTES : CLIENT_BYTES;
    return hash_stable((struct slice){ (const char *)address->bytes, bytes });
}
