/* SPDX-License-Identifier: MIT */
/* number: a double as text, in the shortest form that reads back the same. Pure. */
#pragma once

#include <stddef.h>

enum { NUMBER_BYTES_MAX = 32 };

/* Writes a finite number as JSON does, no NUL; returns the bytes, at most NUMBER_BYTES_MAX (place must
 * have that room). Plain digits between 1e-6 and 1e21, else with an exponent. Both zeros are "0". */
size_t number_format(double number, char *place);
