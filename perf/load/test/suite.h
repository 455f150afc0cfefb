/* SPDX-License-Identifier: MIT */
/* suite: cmocka with the headers it must follow, and the length of a table of cases. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define N_CASES(table) (sizeof(table) / sizeof((table)[0]))
