/* SPDX-License-Identifier: MIT */
/* list_fields: what a list can be asked for, as plain parameters and as members of filters={...}. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/job.h>

/* The form of a field in filters={...}; each is handed on as text. */
enum list_form { FORM_NONE, FORM_STRING, FORM_STRINGS, FORM_TIME, FORM_NUMBER };

struct zone;

/* One list query being read. */
struct list_query {
    struct job *job;
    int64_t now_ms;          /* what `now` means */
    const struct zone *zone; /* whose midnight a date means; NULL: UTC */
    uint32_t plain, json;    /* fields that came as parameter, and in filters={...}: a bit each */
    bool has_filters;        /* filters={...} came */
    struct slice cursor;
    struct slice place; /* JSON pointer to the object that stands for filters={...} in a plan; empty: none does */
};

struct list_field {
    const char *parameter; /* plain name */
    const char *member;    /* name in filters={...}, NULL when it is none */
    enum list_form form;
    bool repeats; /* the parameter may come more than once */
    /* Takes one value; returns NULL, or a sentence, static or in the job's arena. Keeps text. */
    const char *(*read)(struct list_query *query, struct slice text);
};

/* Reads a whole number of 1 to 1000, which `limit` and `k` take. NULL, or a sentence. */
const char *count_parse(struct slice text, uint32_t *ret_count);

enum { LIST_FIELDS = 11 };
extern const struct list_field list_fields[LIST_FIELDS];
