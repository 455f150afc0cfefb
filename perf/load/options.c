/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROGRESS_FROM_S = 10, NAME_BYTES = 256, PORT_BYTES = 6 };

static const char usage[] =
    "usage: load [OPTION...] SCENARIO URL...\n"
    "Sends requests at a constant rate and tells how long each took from when it was due. perf/README.md says more.\n"
    "  --rate N          requests a second; 0: closed loop, as fast as the connections allow\n"
    "  --connections N   all hosts together\n"
    "  --warm-up S       seconds before measuring\n"
    "  --duration S      seconds of measuring\n"
    "                    (these four stand in the scenario, too)\n"
    "  --timeout S       for one answer, from when its request was sent (10)\n"
    "  --requests N      ends behind so many, those of the warm-up too, if the time is not over before\n"
    "  --drain S         after the end, for requests that were due before it (5)\n"
    "  --without CALL    leaves a call of the scenario out; may be given again\n"
    "  --header LINE     `Name: value` for every request; may be given again\n"
    "  --seed N          another sequence of calls, names, values and ids (1)\n"
    "  --allow-errors N  ends with 0 when there are no more errors than that (0)\n"
    "  --out PREFIX      writes PREFIX.json, PREFIX.svg, PREFIX.intervals.tsv, PREFIX.hgrm and PREFIX.CALL.hgrm\n"
    "  --json            prints JSON in place of the table\n"
    "  --quiet           no line a second on standard error (it is there when a run takes 10 s or more)\n"
    "  --check           only reads the scenario\n"
    "Ends with 0; 1 when requests failed or the run could not begin; 2 when the command line or scenario is wrong.\n";

static int complain(const char *what, const char *value)
{
    fprintf(stderr, "load: %s: %s\n", what, value);
    return -1;
}

/* Numbers ----------------------------------------------------------------- */
static int number_option(const char *name, const char *text, const double bounds[2], double *ret_number)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number) || number < bounds[0] || number > bounds[1]) {
        fprintf(stderr, "load: --%s: `%s` is no number from %g to %g\n", name, text, bounds[0], bounds[1]);
        return -1;
    }
    *ret_number = number;
    return 0;
}

/* What was given of a number option; it is applied when the scenario has been read. */
struct number {
    const char *name;
    double bounds[2];
    bool given;
    double value;
};

enum { RATE, CONNECTIONS, WARM_UP, DURATION, TIMEOUT, REQUESTS, DRAIN, SEED, ALLOW_ERRORS, N_NUMBERS };
enum { WITHOUT = N_NUMBERS, HEADER, OUT, JSON, QUIET, CHECK, HELP };

static const struct number number_options[N_NUMBERS] = {
    [RATE] = { .name = "rate", .bounds = { 0, 1e6 } },
    [CONNECTIONS] = { .name = "connections", .bounds = { 1, 65535 } },
    [WARM_UP] = { .name = "warm-up", .bounds = { 0, 86400 } },
    [DURATION] = { .name = "duration", .bounds = { 0.1, 86400 } },
    [TIMEOUT] = { .name = "timeout", .bounds = { 0.1, 3600 } },
    [REQUESTS] = { .name = "requests", .bounds = { 1, 1e15 } },
    [DRAIN] = { .name = "drain", .bounds = { 0, 3600 } },
    [SEED] = { .name = "seed", .bounds = { 0, 1e15 } },
    [ALLOW_ERRORS] = { .name = "allow-errors", .bounds = { 0, 1e15 } },
};

static void apply_numbers(struct options *options, const struct number numbers[N_NUMBERS])
{
    struct scenario *scenario = &options->scenario;
    scenario->rate = numbers[RATE].given ? numbers[RATE].value : scenario->rate;
    scenario->connections = numbers[CONNECTIONS].given ? (unsigned)numbers[CONNECTIONS].value : scenario->connections;
    scenario->warm_up_s = numbers[WARM_UP].given ? numbers[WARM_UP].value : scenario->warm_up_s;
    scenario->duration_s = numbers[DURATION].given ? numbers[DURATION].value : scenario->duration_s;
    options->settings.timeout_s = numbers[TIMEOUT].given ? numbers[TIMEOUT].value : 10;
    options->settings.n_requests = (uint64_t)numbers[REQUESTS].value;
    options->settings.drain_s = numbers[DRAIN].given ? numbers[DRAIN].value : 5;
    options->settings.seed = numbers[SEED].given ? (uint64_t)numbers[SEED].value : 1;
    options->errors_allowed = (uint64_t)numbers[ALLOW_ERRORS].value;
}

/* The scenario, the hosts -------------------------------------------------- */
static int leave_out(struct scenario *scenario, const char *key)
{
    int call = scenario_find_call(scenario, slice_of(key));
    if (call < 0)
        return complain("--without names no call of the scenario", key);
    scenario->calls[call].weight = 0;
    for (unsigned i = 0; i < scenario->n_calls; i++)
        if (scenario->calls[i].weight > 0)
            return 0;
    return complain("--without leaves nothing to send", key);
}

/* http://NAME[:PORT][/], the scheme as one likes; a name in brackets is an IPv6 address. */
static bool split_url(const char *url, char ret_name[NAME_BYTES], char ret_port[PORT_BYTES])
{
    static const char scheme[] = "http://";
    const char *at = strncmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : url;
    bool brackets = *at == '[';
    at += brackets;
    size_t len = strcspn(at, brackets ? "]/" : ":/[]?#@");
    if (len == 0 || len >= NAME_BYTES || (brackets && at[len] != ']'))
        return false;
    snprintf(ret_name, NAME_BYTES, "%.*s", (int)len, at);
    at += len + brackets;
    snprintf(ret_port, PORT_BYTES, "80");
    if (*at == ':') {
        len = strspn(++at, "0123456789");
        if (len == 0 || len >= PORT_BYTES)
            return false;
        snprintf(ret_port, PORT_BYTES, "%.*s", (int)len, at);
        at += len;
    }
    return *at == '\0' || strcmp(at, "/") == 0;
}

static int read_host(struct options *options, const char *url)
{
    struct settings *settings = &options->settings;
    char name[NAME_BYTES], port[PORT_BYTES];
    if (settings->n_hosts == HOSTS_MAX)
        return complain("too many hosts", url);
    if (!split_url(url, name, port))
        return complain("not a URL of http://HOST:PORT", url);
    uv_getaddrinfo_t look_up;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    int code = uv_getaddrinfo(uv_default_loop(), &look_up, NULL, name, port, &hints);
    if (code != 0)
        return complain(url, uv_strerror(code));
    struct host *host = &settings->hosts[settings->n_hosts++];
    memcpy(&host->address, look_up.addrinfo->ai_addr, look_up.addrinfo->ai_addrlen);
    uv_freeaddrinfo(look_up.addrinfo);
    snprintf(host->name, sizeof(host->name), strchr(name, ':') == NULL ? "%s:%s" : "[%s]:%s", name, port);
    return 0;
}

static int read_operands(struct options *options, int n, char *operands[])
{
    char complaint[COMPLAINT_BYTES];
    if (n < (options->check ? 1 : 2)) {
        fputs(usage, stderr);
        return -1;
    }
    if (scenario_read(&options->scenario, operands[0], complaint) != 0) {
        fprintf(stderr, "load: %s\n", complaint);
        return -1;
    }
    const char *slash = strrchr(operands[0], '/');
    options->settings.title = slash == NULL ? operands[0] : slash + 1;
    for (int i = 1; i < n; i++)
        if (read_host(options, operands[i]) != 0)
            return -1;
    return 0;
}

/* Options ----------------------------------------------------------------- */
struct parsed {
    struct number numbers[N_NUMBERS];
    const char *without[CALLS_MAX];
    unsigned n_without;
};

static int take_option(struct options *options, struct parsed *parsed, int option)
{
    if (option < N_NUMBERS) {
        struct number *number = &parsed->numbers[option];
        number->given = true;
        return number_option(number->name, optarg, number->bounds, &number->value);
    }
    if (option == WITHOUT) {
        if (parsed->n_without == CALLS_MAX)
            return complain("too many", "--without");
        parsed->without[parsed->n_without++] = optarg;
    } else if (option == HEADER) {
        if (strchr(optarg, ':') == NULL || strpbrk(optarg, "\r\n") != NULL)
            return complain("not a header `Name: value`", optarg);
        buffer_printf(&options->headers, "%s\r\n", optarg);
    } else if (option == OUT) {
        options->out = optarg;
    }
    options->json = options->json || option == JSON;
    options->quiet = options->quiet || option == QUIET;
    options->check = options->check || option == CHECK;
    return 0;
}

static const struct option long_options[] = {
    { "rate", required_argument, NULL, RATE },
    { "connections", required_argument, NULL, CONNECTIONS },
    { "warm-up", required_argument, NULL, WARM_UP },
    { "duration", required_argument, NULL, DURATION },
    { "timeout", required_argument, NULL, TIMEOUT },
    { "requests", required_argument, NULL, REQUESTS },
    { "drain", required_argument, NULL, DRAIN },
    { "seed", required_argument, NULL, SEED },
    { "allow-errors", required_argument, NULL, ALLOW_ERRORS },
    { "without", required_argument, NULL, WITHOUT },
    { "header", required_argument, NULL, HEADER },
    { "out", required_argument, NULL, OUT },
    { "json", no_argument, NULL, JSON },
    { "quiet", no_argument, NULL, QUIET },
    { "check", no_argument, NULL, CHECK },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

int options_read(struct options *ret_options, int argc, char *argv[])
{
    struct options *options = ret_options;
    struct parsed parsed = { .n_without = 0 };
    *options = (struct options){ 0 };
    memcpy(parsed.numbers, number_options, sizeof(number_options));
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) >= 0;) {
        if (option == HELP)
            return fputs(usage, stdout) < 0 ? -1 : 1;
        if (option == '?' || take_option(options, &parsed, option) != 0)
            return -1;
    }
    if (read_operands(options, argc - optind, argv + optind) != 0)
        return -1;
    apply_numbers(options, parsed.numbers);
    for (unsigned i = 0; i < parsed.n_without; i++)
        if (leave_out(&options->scenario, parsed.without[i]) != 0)
            return -1;
    options->settings.headers = buffer_slice(&options->headers);
    double run_s = options->scenario.warm_up_s + options->scenario.duration_s;
    options->settings.progress = !options->quiet && run_s >= PROGRESS_FROM_S;
    return 0;
}

void options_free(struct options *options)
{
    buffer_free(&options->headers);
    scenario_free(&options->scenario);
}
