/* SPDX-License-Identifier: MIT */
/* route: one row of the API, the itinerary of every request that matches it. */
#pragma once

#include <stdint.h>

#include <telemetry/request.h>

struct job;
struct parser;

enum stage_id { STAGE_PARSER, STAGE_CACHE, STAGE_WRITER, STAGE_READER, STAGE_ASSISTANT, STAGE_COUNT };

/* What a stage is asked to do with a job. */
enum op {
    OP_NONE,
    OP_CACHE_GET,        /* answer from the cache, or note the generation and go on */
    OP_CACHE_PUT,        /* keep the answer; release those who wait for it */
    OP_CACHE_INVALIDATE, /* what was committed makes answers old */
    OP_INSERT,           /* store job->metrics, all or none */
    OP_UPDATE,           /* replace the metric job->id by job->metrics[0] */
    OP_DELETE,           /* remove the metric job->id */
    OP_GET,              /* read the metric job->id */
    OP_FIND,             /* read the list job->filter */
    OP_AGGREGATE,        /* work out job->plan */
    OP_CATALOGUE,        /* give job->catalogue: the names and tags there are */
    OP_UNDERSTAND,       /* read the prompt again, with job->catalogue */
    OP_ADVISE,           /* ask a language model for the plan of job->inquiry */
    OP_HEED              /* read what it answered */
};

enum hop_flags {
    HOP_ENCODE = 1, /* when the hop is done, the route's encode makes the answer's body */
    HOP_ALWAYS = 2, /* visited although the job failed before */
    HOP_ANY = 4,    /* by whichever worker of the stage has the least to do; else the job's hash chooses */
    HOP_LONG = 8    /* takes long: with HOP_ANY, what does not is kept from waiting behind it */
};

enum { HOPS_MAX = 8 };

struct hop {
    uint8_t stage; /* enum stage_id */
    uint8_t op;    /* enum op; OP_NONE ends the itinerary */
    uint8_t flags; /* enum hop_flags */
};

struct route {
    enum method method; /* HEAD is served by the GET row */
    const char *path;   /* "/metrics/{id}": literal segments and {id} */
    /* On a parser thread: reads the request into the job's cargo, or sets its status. */
    void (*decode)(struct parser *parser, struct job *job);
    /* On the thread that finished the hop marked HOP_ENCODE: writes job->reply. */
    void (*encode)(struct job *job);
    struct hop hops[HOPS_MAX]; /* behind the parser */
    uint8_t role;              /* enum role: what a key must have at least */
};
