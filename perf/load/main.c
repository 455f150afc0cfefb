/* SPDX-License-Identifier: MIT */
/* load: an open-loop load runner for the metrics server. Reads the command line, runs the scenario, reports. */
#include <signal.h>
#include <stdlib.h>

#include "options.h"
#include "report.h"

enum { EXIT_USAGE = 2, PATH_BYTES = 1024 };

/* Opens PREFIX + suffix, or ends the program: the run is over, and its figures should not go amiss in silence. */
static FILE *create(const char *prefix, const char *suffix)
{
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s%s", prefix, suffix);
    FILE *file = len < PATH_BYTES ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "load: %s%s cannot be written\n", prefix, suffix);
        exit(EXIT_FAILURE);
    }
    return file;
}

static void write_hgrm(const char *prefix, const char *suffix, const struct histogram *histogram)
{
    FILE *file = create(prefix, suffix);
    report_hgrm(file, histogram);
    fclose(file);
}

static void write_files(const struct options *options, const struct result *result)
{
    FILE *json = create(options->out, ".json");
    report_json(json, result, &options->settings);
    fclose(json);
    FILE *svg = create(options->out, ".svg");
    report_svg(svg, result, &options->settings);
    fclose(svg);
    FILE *intervals = create(options->out, ".intervals.tsv");
    report_intervals(intervals, result);
    fclose(intervals);
    write_hgrm(options->out, ".hgrm", &result->total);
    for (unsigned i = 0; i < options->scenario.n_calls; i++) {
        char suffix[PATH_BYTES];
        const struct slice *key = &options->scenario.calls[i].key;
        snprintf(suffix, sizeof(suffix), ".%.*s.hgrm", (int)key->len, key->data);
        write_hgrm(options->out, suffix, &result->calls[i].latency);
    }
}

static int run(const struct options *options)
{
    struct result *result = result_new(&options->scenario);
    int code = EXIT_FAILURE;
    if (runner_run(&options->scenario, &options->settings, result) == 0) {
        if (options->json)
            report_json(stdout, result, &options->settings);
        else
            report_text(stdout, result, &options->settings);
        if (options->out != NULL)
            write_files(options, result);
        if (result->n_errors + result->n_connects_failed <= options->errors_allowed)
            code = EXIT_SUCCESS;
    }
    result_free(result);
    return code;
}

int main(int argc, char *argv[])
{
    struct options options;
    signal(SIGPIPE, SIG_IGN);
    int code = options_read(&options, argc, argv);
    if (code == 0)
        code = options.check ? EXIT_SUCCESS : run(&options);
    else
        code = code > 0 ? EXIT_SUCCESS : EXIT_USAGE;
    options_free(&options);
    return code;
}
