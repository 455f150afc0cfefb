/* SPDX-License-Identifier: MIT */
#include "cache/redis/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>

static const uint64_t first_delay_ns = 100 * NS_PER_MS, longest_delay_ns = 2 * NS_PER_S;
static const uint64_t resolve_limit_ns = 5 * NS_PER_S, resolve_look_ns = 10 * NS_PER_MS;
static const uint64_t connect_limit_ns = NS_PER_S;  /* and the same for TLS */
static const uint64_t stable_ns = 3 * NS_PER_S;     /* a link that held for so long starts anew at the first delay */
static const uint64_t log_again_ns = 60 * NS_PER_S; /* how often an unchanged failure is told */

void link_init(struct link *link, const struct link_settings *settings)
{
    link->settings = *settings;
    link->state = LINK_WAITING;
    link->resolver = NULL;
    link->addresses.n = link->next_address = 0;
    link->due_ns = link->ready_ns = link->logged_ns = 0;
    link->delay_ns = first_delay_ns;
    link->logged[0] = '\0';
    pipeline_init(&link->pipeline);
}

static void watch(struct link *link, int fd, short events)
{
    link->settings.watch(link->settings.context, fd, events);
}

static void close_all(struct link *link)
{
    link->state = LINK_WAITING;
    watch(link, -1, 0);
    resolver_drop(&link->resolver);
    pipeline_close(&link->pipeline);
}

void link_fini(struct link *link)
{
    close_all(link);
}

/* Failures ---------------------------------------------------------------------- */

/* Redis' own words are part of some reasons, and it knows the password. */
static void log_failure(struct link *link, const char *reason, uint64_t now_ns)
{
    const char *password = link->settings.uri->password;
    if (password != NULL && strstr(reason, password) != NULL)
        reason = "it answers with an error that repeats the password";
    bool is_new = link->logged_ns == 0 || strcmp(reason, link->logged) != 0;
    if (!is_new && now_ns < link->logged_ns + log_again_ns)
        return;
    link->logged_ns = now_ns;
    snprintf(link->logged, sizeof(link->logged), "%s", reason);
    log_warn("Redis cannot be used; requests go to the store", "redis", link->settings.uri->shown, "reason", reason);
}

/* Between half the delay and all of it, so that servers do not come back in step. */
static uint64_t some_of(uint64_t delay_ns, uint64_t now_ns)
{
    uint64_t random = hash_seeded((struct slice){ (const char *)&now_ns, sizeof(now_ns) });
    return delay_ns / 2 + random % (delay_ns / 2 + 1);
}

/* Ends the attempt or the connection. The next address is tried at once, all of them again later. */
static void fail(struct link *link, const char *reason)
{
    uint64_t now_ns = clock_ns();
    bool is_begun = link->state == LINK_CONNECTING || link->state == LINK_SECURING;
    bool tries_next = is_begun && link->next_address < link->addresses.n;
    bool was_stable = link->state == LINK_READY && now_ns > link->ready_ns + stable_ns;
    char kept[PIPELINE_REASON_BYTES];
    snprintf(kept, sizeof(kept), "%s", reason); /* it may be the pipeline's own text */
    stats_add(link->settings.stats,
              link->pipeline.reader != NULL && link->pipeline.timed_out ? STATS_CACHE_TIMEOUTS
                                                                        : STATS_CACHE_LOST_CONNECTIONS,
              1);
    stats_set(link->settings.stats, STATS_GAUGE_CACHE_UP, 0);
    close_all(link);
    if (was_stable)
        link->delay_ns = first_delay_ns;
    link->due_ns = now_ns;
    if (tries_next)
        return;
    log_failure(link, kept, now_ns);
    link->next_address = link->addresses.n = 0;
    link->due_ns += some_of(link->delay_ns, now_ns);
    link->delay_ns = 2 * link->delay_ns < longest_delay_ns ? 2 * link->delay_ns : longest_delay_ns;
}

/* Connecting ---------------------------------------------------------------------- */

static void await_connection(struct link *link, int fd)
{
    link->state = LINK_CONNECTING;
    link->due_ns = clock_ns() + connect_limit_ns;
    if (pipeline_open(&link->pipeline, fd) < 0)
        fail(link, "no memory for a connection");
}

static void connect_to(struct link *link, const struct address *address)
{
    int one = 1;
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    link->state = LINK_CONNECTING;
    if (fd < 0) {
        fail(link, strerror(errno));
        return;
    }
    if (address->socket.ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (const struct sockaddr *)&address->socket, address->len) == 0 || errno == EINPROGRESS) {
        await_connection(link, fd);
        return;
    }
    int failure = errno;
    close(fd);
    fail(link, strerror(failure));
}

static void connect_to_path(struct link *link)
{
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    struct address address = { .len = sizeof(path) };
    snprintf(path.sun_path, sizeof(path.sun_path), "%s", link->settings.uri->path);
    memcpy(&address.socket, &path, sizeof(path));
    connect_to(link, &address);
}

static void connect_to_next(struct link *link)
{
    const struct address *address = &link->addresses.list[link->next_address++];
    connect_to(link, address);
}

static void start_attempt(struct link *link)
{
    const struct redis_uri *uri = link->settings.uri;
    if (uri->path != NULL) {
        connect_to_path(link);
        return;
    }
    if (link->next_address < link->addresses.n) {
        connect_to_next(link);
        return;
    }
    link->state = LINK_RESOLVING;
    link->due_ns = clock_ns() + resolve_limit_ns;
    link->resolver = resolver_start(uri->host, uri->port);
    if (link->resolver == NULL)
        fail(link, "no memory or no thread to look its address up");
}

static void check_resolver(struct link *link, uint64_t now_ns)
{
    const char *reason;
    int result = resolver_poll(link->resolver, &link->addresses, &reason);
    if (result > 0) {
        if (now_ns >= link->due_ns)
            fail(link, "the name server does not answer");
        return;
    }
    if (result < 0 || link->addresses.n == 0) {
        fail(link, result < 0 ? reason : "the name has no address");
        return;
    }
    resolver_drop(&link->resolver);
    link->next_address = 0;
    connect_to_next(link);
}

/* Greeting ------------------------------------------------------------------------ */

/* What Redis says of a password is told by its first word only, in case that it repeats the password. */
enum { GREET_AUTH, GREET_SELECT };

static void greeted(struct call *call, const redisReply *reply)
{
    struct link *link = call->context;
    if (reply == NULL || reply->type == REDIS_REPLY_STATUS)
        return;
    if (reply->type != REDIS_REPLY_ERROR)
        pipeline_break(&link->pipeline, "an answer of another kind to the greeting");
    else if (call->kind == GREET_SELECT)
        pipeline_break(&link->pipeline, "the database was refused: %s", reply->str);
    else
        pipeline_break(&link->pipeline, "user or password were refused (%.*s)", (int)strcspn(reply->str, " "),
                       reply->str);
    link->delay_ns = longest_delay_ns;
}

static void command(struct link *link, unsigned kind, unsigned n, const struct slice arguments[])
{
    struct call call = { .answered = greeted,
                         .context = link,
                         .kind = kind,
                         .deadline_ns = clock_ns() + link->settings.timeout_ns,
                         .n_left = 1 };
    pipeline_call(&link->pipeline, &call);
    pipeline_command(&link->pipeline, n, arguments);
}

static void greet(struct link *link)
{
    const struct redis_uri *uri = link->settings.uri;
    char db[16];
    link->state = LINK_GREETING;
    if (uri->user != NULL)
        command(link, GREET_AUTH, 3, (struct slice[]){ SLICE("AUTH"), slice_of(uri->user), slice_of(uri->password) });
    else if (uri->password != NULL)
        command(link, GREET_AUTH, 2, (struct slice[]){ SLICE("AUTH"), slice_of(uri->password) });
    snprintf(db, sizeof(db), "%u", uri->db);
    if (uri->db != 0)
        command(link, GREET_SELECT, 2, (struct slice[]){ SLICE("SELECT"), slice_of(db) });
    link->settings.greet(link->settings.context);
}

/* Securing ------------------------------------------------------------------------ */

static void check_handshake(struct link *link, uint64_t now_ns)
{
    char reason[PIPELINE_REASON_BYTES];
    int result = wire_handshake(&link->pipeline.wire);
    if (result == WIRE_NOT_NOW) {
        if (now_ns >= link->due_ns)
            fail(link, "no TLS handshake within 1 s; does it speak TLS?");
        return;
    }
    if (result > 0) {
        greet(link);
        return;
    }
    snprintf(reason, sizeof(reason), "the TLS handshake failed: %s", link->pipeline.wire.failure);
    fail(link, reason);
}

static void secure(struct link *link, uint64_t now_ns)
{
    link->state = LINK_SECURING;
    link->due_ns = now_ns + connect_limit_ns;
    if (wire_secure(&link->pipeline.wire, link->settings.tls, link->settings.uri->host) < 0)
        fail(link, "no memory for TLS");
}

static void check_connection(struct link *link, uint64_t now_ns)
{
    int fd = link->pipeline.wire.fd, failure = 0;
    socklen_t len = sizeof(failure);
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    if (poll(&ready, 1, 0) <= 0) {
        if (now_ns >= link->due_ns)
            fail(link, "no connection within 1 s");
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0 || failure != 0)
        fail(link, strerror(failure));
    else if (link->settings.tls != NULL)
        secure(link, now_ns);
    else
        greet(link);
}

static void become_ready(struct link *link)
{
    link->state = LINK_READY;
    link->ready_ns = clock_ns();
    stats_set(link->settings.stats, STATS_GAUGE_CACHE_UP, 1);
    log_info("Redis is in use", "redis", link->settings.uri->shown);
    link->logged_ns = 0;
}

/* Pump ------------------------------------------------------------------------------ */

/* All of the greeting, or of what came behind it, was answered. */
static void go_on(struct link *link)
{
    if (link->state == LINK_GREETING && link->settings.renew(link->settings.context))
        link->state = LINK_RENEWING;
    else
        become_ready(link);
}

static void exchange(struct link *link, uint64_t now_ns)
{
    struct pipeline *pipeline = &link->pipeline;
    pipeline_read(pipeline);
    if (link->state != LINK_READY && pipeline->n == 0 && pipeline->broken[0] == '\0')
        go_on(link);
    pipeline_write(pipeline);
    pipeline_check_deadlines(pipeline, now_ns);
    if (pipeline->broken[0] != '\0')
        fail(link, pipeline->broken);
}

static uint64_t next_due_ns(struct link *link, uint64_t now_ns)
{
    const struct wire *wire = &link->pipeline.wire;
    switch (link->state) {
    case LINK_WAITING:
        return link->due_ns;
    case LINK_RESOLVING:
        return now_ns + resolve_look_ns;
    case LINK_CONNECTING:
        watch(link, wire->fd, POLLOUT);
        return link->due_ns;
    case LINK_SECURING:
        watch(link, wire->fd, wire_events(wire, false));
        return link->due_ns;
    default:
        watch(link, wire->fd, wire_events(wire, link->pipeline.unsent_bytes > 0));
        return link->pipeline.deadline_ns;
    }
}

uint64_t link_pump(struct link *link)
{
    uint64_t now_ns = clock_ns();
    if (link->state == LINK_WAITING && now_ns >= link->due_ns)
        start_attempt(link);
    if (link->state == LINK_RESOLVING)
        check_resolver(link, now_ns);
    if (link->state == LINK_CONNECTING)
        check_connection(link, now_ns);
    if (link->state == LINK_SECURING)
        check_handshake(link, now_ns);
    if (link->state >= LINK_GREETING)
        exchange(link, now_ns);
    return next_due_ns(link, now_ns);
}
