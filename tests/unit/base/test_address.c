/* SPDX-License-Identifier: MIT */
#include <telemetry/address.h>

#include <arpa/inet.h>
#include <string.h>

#include "suite.h"

static struct address of(const char *text)
{
    struct address address;
    assert_true(address_parse(slice_of(text), &address));
    return address;
}

static void address_parse_takes_both_families(void **state)
{
    static const uint8_t v4[ADDRESS_BYTES] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
    static const char *const bad[] = {
        "",          "192.0.2", "192.0.2.256", "2001:db8::g",
        "1.2.3.4.5", "[::1",    "localhost",   "::ffff:1.2.3.4:1234:5678:9abc:def0:1234:5678"
    };
    struct address address = of("192.0.2.1");
    assert_memory_equal(address.bytes, v4, ADDRESS_BYTES);
    address = of("::ffff:192.0.2.1");
    assert_memory_equal(address.bytes, v4, ADDRESS_BYTES);
    address = of("[2001:db8::1]");
    assert_int_equal(address.bytes[0], 0x20);
    assert_int_equal(address.bytes[15], 1);
    for (size_t i = 0; i < N_CASES(bad); i++)
        assert_false(address_parse(slice_of(bad[i]), &address));
}

static void address_of_socket_maps_ipv4(void **state)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    struct address address = address_of_socket((const struct sockaddr *)&v4), same = of("192.0.2.1");
    assert_memory_equal(&address, &same, sizeof(address));
}

static void networks_have_what_lies_in_them(void **state)
{
    static const struct {
        const char *networks, *address;
        bool has;
    } cases[] = {
        { "", "10.0.0.1", false },
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "10.0.0.0/9", "10.127.0.1", true },
        { "10.0.0.0/9", "10.128.0.1", false },
        { " 192.0.2.7 , ::1", "::1", true },
        { "192.0.2.7,::1", "192.0.2.7", true },
        { "192.0.2.7,::1", "192.0.2.6", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "203.0.113.9", true },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct networks networks;
        struct address address = of(cases[i].address);
        assert_null(networks_parse(slice_of(cases[i].networks), &networks));
        assert_int_equal(networks_have(&networks, &address), cases[i].has);
    }
}

static void networks_parse_says_what_is_wrong(void **state)
{
    static const char *const bad[] = { "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::/129",
                                       "host",        ",10.0.0.1", "1.2.3.4/-1" };
    struct networks networks;
    for (size_t i = 0; i < N_CASES(bad); i++)
        assert_non_null(networks_parse(slice_of(bad[i]), &networks));
}

static void client_address_believes_trusted_proxies_only(void **state)
{
    static const struct {
        const char *peer, *forwarded, *client;
    } cases[] = {
        { "203.0.113.9", "192.0.2.1", "203.0.113.9" },
        { "10.0.0.1", "192.0.2.1", "192.0.2.1" },
        { "10.0.0.1", "", "10.0.0.1" },
        { "10.0.0.1", "198.51.100.1, 192.0.2.1", "192.0.2.1" },
        { "10.0.0.1", "198.51.100.1, 192.0.2.1, 10.0.0.2", "192.0.2.1" },
        { "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3" },
        { "10.0.0.1", "192.0.2.1, unknown", "10.0.0.1" },
        { "10.0.0.1", "192.0.2.1,", "10.0.0.1" },
    };
    struct networks trusted;
    assert_null(networks_parse(SLICE("10.0.0.0/8"), &trusted));
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct address client = client_address(&trusted, of(cases[i].peer), slice_of(cases[i].forwarded));
        struct address wanted = of(cases[i].client);
        assert_memory_equal(&client, &wanted, sizeof(client));
    }
}

static void address_hash_joins_what_one_client_has(void **state)
{
    struct address a = of("2001:db8:1:2::1"), b = of("2001:db8:1:2:ffff::9"), c = of("2001:db8:1:3::1");
    struct address d = of("192.0.2.1"), e = of("192.0.2.2");
    assert_true(address_hash(&a) == address_hash(&b));
    assert_true(address_hash(&a) != address_hash(&c));
    assert_true(address_hash(&d) != address_hash(&e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_parse_takes_both_families),
        cmocka_unit_test(address_of_socket_maps_ipv4),
        cmocka_unit_test(networks_have_what_lies_in_them),
        cmocka_unit_test(networks_parse_says_what_is_wrong),
        cmocka_unit_test(client_address_believes_trusted_proxies_only),
        cmocka_unit_test(address_hash_joins_what_one_client_has),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
