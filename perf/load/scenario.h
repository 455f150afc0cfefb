/* SPDX-License-Identifier: MIT */
/* scenario: what a load is made of, read from a file of lines. perf/README.md describes the file.
 *
 * A scenario is made by scenario_read() or scenario_parse() and const from then on. It owns its text; every slice in
 * it points into that text. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>

enum { CALLS_MAX = 16, SETS_MAX = 8, PIECES_MAX = 16, STATUSES_MAX = 8, HEADERS_MAX = 8, COMPLAINT_BYTES = 256 };
enum { NAMES_MAX = 1000000, BATCH_MAX = 100000 };

/* A choice of metric names: PREFIX1 to PREFIXn. */
struct name_set {
    struct slice key, prefix;
    unsigned n;
    double exponent; /* of the Zipf choice, name 1 the likeliest; 0: uniform */
    double *sums;    /* n of them, see zipf_sums() */
};

enum piece_kind { PIECE_LITERAL, PIECE_NAME, PIECE_ID };

struct piece {
    enum piece_kind kind;
    unsigned set;         /* of PIECE_NAME */
    struct slice literal; /* of PIECE_LITERAL */
};

/* Text with places to be filled in for each request. */
struct template
{
    struct piece pieces[PIECES_MAX];
    unsigned n;
};

enum body_kind { BODY_NONE, BODY_METRIC, BODY_BATCH, BODY_TEXT };
enum ids_from { IDS_NONE, IDS_LOCATION, IDS_BODY };

struct call {
    struct slice key, method;
    struct template target, text; /* text: of BODY_TEXT */
    struct slice headers[HEADERS_MAX];
    unsigned n_headers;
    enum body_kind body;
    unsigned set, n_items; /* whose metrics, and how many in a batch */
    enum ids_from ids_from;
    double weight;
    int statuses[STATUSES_MAX]; /* that are good; none: all from 200 to 299 */
    unsigned n_statuses;
    bool needs_id;
    unsigned line; /* where it begins */
};

struct scenario {
    char *text;
    double rate; /* requests a second; 0: closed loop */
    unsigned connections;
    double warm_up_s, duration_s;
    struct name_set sets[SETS_MAX];
    struct call calls[CALLS_MAX];
    unsigned n_sets, n_calls;
    unsigned n_prepared; /* requests of call `prepared` before the clock starts */
    unsigned prepared;
    unsigned giver; /* the call to send instead while a call that needs an {id} finds none; if any needs one */
};

/* Reads a file; 0, or -1 with a complaint that names file and line. After a failure there is nothing to free. */
int scenario_read(struct scenario *ret_scenario, const char *path, char ret_complaint[COMPLAINT_BYTES]);

/* The same of a text; `name` stands in complaints. Borrows both. */
int scenario_parse(struct scenario *ret_scenario, const char *text, const char *name,
                   char ret_complaint[COMPLAINT_BYTES]);

void scenario_free(struct scenario *scenario);

/* The call of that key, or -1. */
int scenario_find_call(const struct scenario *scenario, struct slice key);

bool call_expects(const struct call *call, int status);
