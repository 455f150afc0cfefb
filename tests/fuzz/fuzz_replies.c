/* SPDX-License-Identifier: MIT */
/* What a Redis says, be it Redis or not: every call ends once, in order, and the same replies are handed out whether
 * the bytes come at once or in pieces. The first byte is how many calls are under way, the second how many replies each
 * waits for. And what is said to it: whatever the arguments of a command are, it reads as one command of these. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/redis/pipeline.h"
#include "fuzz.h"

enum { INPUT_MAX = 2048, SAID_MAX = 1 << 16 };

/* What was handed out, written down. */
struct story {
    char text[SAID_MAX];
    size_t len;
    unsigned n_calls, next_call;
    unsigned n_ended;
    char broken[PIPELINE_REASON_BYTES];
};

static void tell(struct story *story, const redisReply *reply)
{
    int n = snprintf(story->text + story->len, SAID_MAX - story->len, "%d:%lld:%zu;", reply->type, reply->integer,
                     reply->type == REDIS_REPLY_ARRAY ? 0 : (size_t)reply->len);
    assert(n > 0 && story->len + (size_t)n < SAID_MAX);
    story->len += (size_t)n;
    if (reply->type != REDIS_REPLY_ARRAY)
        return;
    assert(reply->elements <= REPLY_ELEMENTS_MAX);
    for (size_t i = 0; i < reply->elements; i++)
        tell(story, reply->element[i]);
}

static void answered(struct call *call, const redisReply *reply)
{
    struct story *story = call->context;
    assert(call->kind == story->next_call);
    if (reply != NULL)
        tell(story, reply);
    if (reply != NULL && call->n_left > 0)
        return;
    story->next_call++;
    story->n_ended++;
}

static void open_pair(struct pipeline *pipeline, int *ret_peer)
{
    int fds[2];
    int result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    assert(result == 0);
    pipeline_init(pipeline);
    result = pipeline_open(pipeline, fds[0]);
    assert(result == 0);
    *ret_peer = fds[1];
}

static void play(const uint8_t *data, size_t size, size_t step, unsigned n_left, struct story *story)
{
    static struct pipeline pipeline;
    int peer;
    open_pair(&pipeline, &peer);
    for (unsigned i = 0; i < story->n_calls; i++)
        pipeline_call(&pipeline, &(struct call){ .answered = answered, .context = story, .kind = i, .n_left = n_left });
    for (size_t at = 0; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        ssize_t written = write(peer, data + at, len);
        assert(written == (ssize_t)len);
        pipeline_read(&pipeline);
    }
    memcpy(story->broken, pipeline.broken, sizeof(story->broken));
    close(peer);
    pipeline_read(&pipeline);
    assert(pipeline.broken[0] != '\0');
    pipeline_close(&pipeline);
    assert(story->n_ended == story->n_calls);
}

/* Commands ---------------------------------------------------------------- */

/* Cuts the data into arguments of equal length; the last has the rest. */
static unsigned cut_arguments(const char *data, size_t size, struct slice arguments[COMMAND_ARGUMENTS_MAX])
{
    unsigned n = 1 + (unsigned char)data[0] % COMMAND_ARGUMENTS_MAX;
    for (unsigned i = 0; i < n; i++)
        arguments[i] = (struct slice){ data + i * (size / n), i + 1 < n ? size / n : size - i * (size / n) };
    return n;
}

/* RESP, as the protocol's text says it: an array of bulk strings. */
static size_t write_out(const struct slice arguments[], unsigned n, char *out)
{
    size_t len = (size_t)sprintf(out, "*%u\r\n", n);
    for (unsigned i = 0; i < n; i++) {
        len += (size_t)sprintf(out + len, "$%zu\r\n", arguments[i].len);
        memcpy(out + len, arguments[i].data, arguments[i].len);
        len += arguments[i].len;
        len += (size_t)sprintf(out + len, "\r\n");
    }
    return len;
}

/* Reads the commands at the other end while they are written, and compares. */
static void check_written(struct pipeline *pipeline, int peer, const char *expected, size_t len, unsigned n_commands)
{
    char bytes[16 * 1024];
    size_t total = 0;
    while (total < len * n_commands) {
        pipeline_write(pipeline);
        ssize_t n = read(peer, bytes, sizeof(bytes));
        assert(n > 0);
        for (ssize_t i = 0; i < n; i++, total++)
            assert(bytes[i] == expected[total % len]);
    }
    assert(pipeline->unsent_bytes == 0 && read(peer, bytes, 1) < 0);
}

static void check_commands(const uint8_t *data, size_t size)
{
    static struct pipeline pipeline;
    static char expected[2 * INPUT_MAX + 256];
    struct story story = { .n_calls = size % 7 == 0 ? 400 : 1 };
    struct slice arguments[COMMAND_ARGUMENTS_MAX];
    struct exact copy = exact_new(data, size);
    int peer;
    open_pair(&pipeline, &peer);
    unsigned n = cut_arguments(copy.bytes, copy.len, arguments);
    for (unsigned i = 0; i < story.n_calls; i++) {
        assert(pipeline_has_room(&pipeline, false) && pipeline_has_room(&pipeline, true));
        pipeline_call(
            &pipeline,
            &(struct call){ .answered = answered, .context = &story, .kind = i, .n_left = 1, .deadline_ns = 9 });
        pipeline_command(&pipeline, n, arguments);
        if (i == 0)
            pipeline_write(&pipeline); /* the others wait for the socket */
    }
    check_written(&pipeline, peer, expected, write_out(arguments, n, expected), story.n_calls);
    pipeline_check_deadlines(&pipeline, 8);
    assert(pipeline.broken[0] == '\0' && !pipeline.timed_out);
    pipeline_check_deadlines(&pipeline, 9);
    assert(pipeline.timed_out && !pipeline_has_room(&pipeline, true));
    pipeline_close(&pipeline);
    assert(story.n_ended == story.n_calls);
    close(peer);
    exact_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct story whole, cut;
    unsigned n_calls = take_byte(&data, &size) % 64, n_left = 1 + take_byte(&data, &size) % 4;
    if (size == 0 || size > INPUT_MAX)
        return 0;
    whole = cut = (struct story){ .n_calls = n_calls };
    play(data, size, size, n_left, &whole);
    play(data, size, 1 + size / 8, n_left, &cut);
    assert(whole.len == cut.len && memcmp(whole.text, cut.text, whole.len) == 0);
    assert((whole.broken[0] != '\0') == (cut.broken[0] != '\0'));
    check_commands(data, size);
    return 0;
}
