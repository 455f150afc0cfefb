/* SPDX-License-Identifier: MIT */
#include "cache/redis/tls.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <telemetry/cache.h>

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool tls_is_wanted(const struct cache_remote *remote)
{
    return is_set(remote->tls_ca_file) || is_set(remote->tls_cert_file) || is_set(remote->tls_key_file);
}

/* In words, what OpenSSL's oldest error of this thread is; all of them are forgotten. */
static const char *take_error(void)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0)
        return NULL;
    return ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
}

static int refuse(struct error *error, const char *key, const char *path)
{
    const char *reason = take_error();
    return error_set(error, EX_CONFIG, "%s: cannot use %s: %s", key, path,
                     reason != NULL ? reason : "it is not what it should be");
}

/* Instead of a question on the terminal. */
static int no_passphrase(char *text, int bytes, int is_for_writing, void *context)
{
    return -1;
}

static int trust(SSL_CTX *context, const char *ca_file, struct error *error)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (is_set(ca_file))
        return SSL_CTX_load_verify_file(context, ca_file) == 1 ? 0 : refuse(error, "REDIS_TLS_CA_FILE", ca_file);
    if (SSL_CTX_set_default_verify_paths(context) == 1)
        return 0;
    return error_set(error, EX_CONFIG, "REDIS_URI: the system's certificate authorities cannot be read");
}

/* The key may stand in the file of the certificate. */
static int identify(SSL_CTX *context, const struct cache_remote *remote, struct error *error)
{
    const char *cert_file = remote->tls_cert_file;
    if (!is_set(cert_file))
        return is_set(remote->tls_key_file)
                   ? error_set(error, EX_CONFIG, "REDIS_TLS_KEY_FILE is set, and REDIS_TLS_CERT_FILE is not")
                   : 0;
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1)
        return refuse(error, "REDIS_TLS_CERT_FILE", cert_file);
    const char *key_file = is_set(remote->tls_key_file) ? remote->tls_key_file : cert_file;
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
        return refuse(error, "REDIS_TLS_KEY_FILE", key_file);
    return 0;
}

int tls_open(const struct cache_remote *remote, SSL_CTX **ret_context, struct error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return error_set(error, 1, "cannot start the cache: out of memory");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    ERR_clear_error();
    if (trust(context, remote->tls_ca_file, error) < 0 || identify(context, remote, error) < 0) {
        SSL_CTX_free(context);
        return -1;
    }
    *ret_context = context;
    return 0;
}

static bool expect(SSL *session, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(session, host) == 1 && SSL_set1_host(session, host) == 1;
}

SSL *tls_session(SSL_CTX *context, const char *host, int fd)
{
    SSL *session = SSL_new(context);
    if (session == NULL || SSL_set_fd(session, fd) != 1 || !expect(session, host)) {
        SSL_free(session);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(session);
    return session;
}

void tls_explain(const SSL *session, int saved_errno, char *ret_text, size_t bytes)
{
    long verified = SSL_get_verify_result(session);
    bool is_other_protocol = ERR_GET_REASON(ERR_peek_error()) == SSL_R_WRONG_VERSION_NUMBER;
    const char *reason = take_error();
    if (verified != X509_V_OK)
        snprintf(ret_text, bytes, "its certificate is refused: %s", X509_verify_cert_error_string(verified));
    else if (is_other_protocol)
        snprintf(ret_text, bytes, "it speaks no TLS");
    else if (reason == NULL && saved_errno == 0)
        snprintf(ret_text, bytes, "the server closed the connection");
    else
        snprintf(ret_text, bytes, "%s", reason != NULL ? reason : strerror(saved_errno));
}
