/* SPDX-License-Identifier: MIT */
/* catalogue_index: how an index of struct catalogue is made and freed. */
#pragma once

#include <telemetry/catalogue.h>

/* Makes an index of texts, sorted and without doubles. False without memory; then it is as if finished. */
MUST_CHECK bool catalogue_index_init(struct catalogue_index *index, const struct slice texts[], uint32_t n);
/* Frees what it holds; one that is all zero holds nothing. */
void catalogue_index_fini(struct catalogue_index *index);
