/* SPDX-License-Identifier: MIT */
#include "certificates.h"

#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

static void name_file(const struct certificates *certificates, const char *name, char ret_path[64])
{
    snprintf(ret_path, 64, "%s/%s", certificates->folder, name);
}

bool certificates_make(struct certificates *certificates)
{
    char command[512];
    const char *script = getenv("MAKE_CERTIFICATES");
    *certificates = (struct certificates){ .folder = "/tmp/telemetry-tls-XXXXXX" };
    if (script == NULL || system("openssl version >/dev/null 2>&1") != 0)
        return false;
    assert_non_null(mkdtemp(certificates->folder));
    name_file(certificates, "ca.pem", certificates->ca);
    name_file(certificates, "other-ca.pem", certificates->other_ca);
    name_file(certificates, "client.pem", certificates->client);
    name_file(certificates, "client.key", certificates->client_key);
    name_file(certificates, "both.pem", certificates->both);
    name_file(certificates, "stranger.pem", certificates->stranger);
    name_file(certificates, "stranger.key", certificates->stranger_key);
    snprintf(command, sizeof(command), "'%s' %s", script, certificates->folder);
    assert_int_equal(system(command), 0);
    return true;
}

void certificates_fini(struct certificates *certificates)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", certificates->folder);
    assert_int_equal(system(command), 0);
}
