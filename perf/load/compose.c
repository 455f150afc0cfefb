/* SPDX-License-Identifier: MIT */
#include "compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_HOSTS = 50 };

/* Timestamps -------------------------------------------------------------- */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Always 24 bytes, so that one can replace another. The text of a second is made once. */
static struct slice stamp_of(struct composer *composer, int64_t time_ms)
{
    time_t second = time_ms / 1000;
    if (second != composer->stamp_second) {
        struct tm utc;
        gmtime_r(&second, &utc);
        strftime(composer->stamp, sizeof(composer->stamp), "%Y-%m-%dT%H:%M:%S.000Z", &utc);
        composer->stamp_second = second;
    }
    char *digits = composer->stamp + STAMP_BYTES - 4;
    unsigned ms = (unsigned)(time_ms % 1000);
    digits[0] = (char)('0' + ms / 100);
    digits[1] = (char)('0' + ms / 10 % 10);
    digits[2] = (char)('0' + ms % 10);
    return (struct slice){ composer->stamp, STAMP_BYTES };
}

/* Metrics ----------------------------------------------------------------- */
static void append_name(struct composer *composer, unsigned set_number, struct buffer *into, unsigned *ret_rank)
{
    const struct name_set *set = &composer->scenario->sets[set_number];
    *ret_rank = random_weighted(&composer->random, set->sums, set->n) + 1;
    buffer_printf(into, "%.*s%u", (int)set->prefix.len, set->prefix.data, *ret_rank);
}

/* One metric of a fleet: each name belongs to one of fifty hosts, each host to one of five regions. Returns where
 * its timestamp is. */
static size_t append_metric(struct composer *composer, unsigned set, int64_t time_ms, struct buffer *into)
{
    static const char *const regions[] = { "eu-west", "eu-north", "us-east", "us-west", "ap-south" };
    unsigned rank;
    buffer_append(into, SLICE("{\"name\":\""));
    append_name(composer, set, into, &rank);
    unsigned host = rank % N_HOSTS, value = random_below(&composer->random, 10000000);
    buffer_printf(into, "\",\"tags\":[\"host:web-%02u\",\"region:%s\"],\"value\":%u.%03u,\"timestamp\":\"", host,
                  regions[host % 5], value / 1000, value % 1000);
    size_t stamp = into->len;
    buffer_append(into, stamp_of(composer, time_ms));
    buffer_append(into, SLICE("\"}"));
    return stamp;
}

/* Batches ----------------------------------------------------------------- */
static void make_batch(struct composer *composer, const struct call *call, struct batch *batch)
{
    batch->stamps = zeroed(call->n_items, sizeof(*batch->stamps));
    for (unsigned i = 0; i < call->n_items; i++) {
        batch->stamps[i] = append_metric(composer, call->set, 0, &batch->body);
        buffer_append(&batch->body, SLICE("\n"));
    }
}

/* The metrics of a batch happened in the milliseconds before it is sent, the last one now. */
static void append_batch(struct composer *composer, unsigned call_number, struct buffer *into)
{
    const struct call *call = &composer->scenario->calls[call_number];
    unsigned place = composer->next_batch[call_number]++ % BATCHES_MADE;
    struct batch *batch = &composer->batches[call_number][place];
    int64_t first_ms = now_ms() - call->n_items + 1;
    for (unsigned i = 0; i < call->n_items; i++)
        memcpy(batch->body.data + batch->stamps[i], stamp_of(composer, first_ms + i).data, STAMP_BYTES);
    buffer_append(into, buffer_slice(&batch->body));
}

/* Requests ---------------------------------------------------------------- */
static void append_template(struct composer *composer, const struct template *template, const struct id *id,
                            struct buffer *into)
{
    for (unsigned i = 0; i < template->n; i++) {
        const struct piece *piece = &template->pieces[i];
        unsigned rank;
        if (piece->kind == PIECE_LITERAL)
            buffer_append(into, piece->literal);
        else if (piece->kind == PIECE_ID)
            buffer_append(into, (struct slice){ id->text, ID_BYTES });
        else
            append_name(composer, piece->set, into, &rank);
    }
}

static void append_body(struct composer *composer, unsigned call_number, const struct id *id, struct buffer *into)
{
    const struct call *call = &composer->scenario->calls[call_number];
    if (call->body == BODY_METRIC)
        append_metric(composer, call->set, now_ms(), into);
    else if (call->body == BODY_BATCH)
        append_batch(composer, call_number, into);
    else
        append_template(composer, &call->text, id, into);
}

static void append_head(struct composer *composer, const struct call *call, struct slice host, struct buffer *into)
{
    buffer_append(into, SLICE(" HTTP/1.1\r\nHost: "));
    buffer_append(into, host);
    buffer_append(into, SLICE("\r\n"));
    buffer_append(into, composer->headers);
    for (unsigned i = 0; i < call->n_headers; i++) {
        buffer_append(into, call->headers[i]);
        buffer_append(into, SLICE("\r\n"));
    }
    if (call->body != BODY_NONE)
        buffer_printf(into, "Content-Type: application/%s\r\nContent-Length: %zu\r\n",
                      call->body == BODY_BATCH ? "x-ndjson" : "json", composer->body.len);
    buffer_append(into, SLICE("\r\n"));
}

void composer_write(struct composer *composer, unsigned call_number, struct slice host, struct buffer *into,
                    struct id *ret_id)
{
    const struct call *call = &composer->scenario->calls[call_number];
    composer->body.len = into->len = 0;
    if (call->needs_id && !ids_take(composer->ids, ret_id))
        abort(); /* composer_choose() saw to it */
    if (call->body != BODY_NONE)
        append_body(composer, call_number, ret_id, &composer->body);
    buffer_append(into, call->method);
    buffer_append(into, SLICE(" "));
    append_template(composer, &call->target, ret_id, into);
    append_head(composer, call, host, into);
    buffer_append(into, buffer_slice(&composer->body));
}

unsigned composer_choose(struct composer *composer, bool *ret_substituted)
{
    const struct scenario *scenario = composer->scenario;
    unsigned call = random_weighted(&composer->random, composer->weights, scenario->n_calls);
    *ret_substituted = scenario->calls[call].needs_id && composer->ids->n == 0;
    return *ret_substituted ? scenario->giver : call;
}

void composer_init(struct composer *composer, const struct scenario *scenario, struct ids *ids, uint64_t seed)
{
    *composer = (struct composer){ .scenario = scenario, .ids = ids, .random = { seed }, .stamp_second = -1 };
    double sum = 0;
    for (unsigned i = 0; i < scenario->n_calls; i++) {
        const struct call *call = &scenario->calls[i];
        composer->weights[i] = sum += call->weight;
        if (call->body != BODY_BATCH)
            continue;
        composer->batches[i] = zeroed(BATCHES_MADE, sizeof(struct batch));
        for (unsigned place = 0; place < BATCHES_MADE; place++)
            make_batch(composer, call, &composer->batches[i][place]);
    }
}

static void free_batches(struct batch *batches)
{
    for (unsigned i = 0; batches != NULL && i < BATCHES_MADE; i++) {
        buffer_free(&batches[i].body);
        free(batches[i].stamps);
    }
    free(batches);
}

void composer_free(struct composer *composer)
{
    for (unsigned i = 0; i < CALLS_MAX; i++)
        free_batches(composer->batches[i]);
    buffer_free(&composer->body);
}
