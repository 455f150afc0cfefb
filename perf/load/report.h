/* SPDX-License-Identifier: MIT */
/* report: a result as text, as JSON, as files for plotters, as a picture. All borrow the result, after result_end(). */
#pragma once

#include <stdio.h>

#include "result.h"
#include "runner.h"

/* The table that people read; errors and doubts below it. */
void report_text(FILE *file, const struct result *result, const struct settings *settings);

/* One object; latencies in microseconds. */
void report_json(FILE *file, const struct result *result, const struct settings *settings);

/* One histogram as the percentile distribution that HdrHistogram prints and its plotters read; in milliseconds. */
void report_hgrm(FILE *file, const struct histogram *histogram);

/* One line a second, columns divided by tabs. */
void report_intervals(FILE *file, const struct result *result);

/* The percentile curves of the calls and of all, as SVG. */
void report_svg(FILE *file, const struct result *result, const struct settings *settings);
