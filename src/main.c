/* SPDX-License-Identifier: MIT */
/* main: arguments, signals, exit code. Everything else is in app/. */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/access.h>
#include <telemetry/config.h>
#include <telemetry/log.h>

#include "app/app.h"
#include "app/healthcheck.h"

enum { EXIT_USAGE = 64, EXIT_SIGNAL = 128 };

enum action {
    ACTION_RUN,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_PRINT_CONFIG,
    ACTION_CHECK_CONFIG,
    ACTION_ENV_SAMPLE,
    ACTION_HEALTHCHECK,
    ACTION_NEW_KEY
};

static const struct option options[] = {
    { "help", no_argument, NULL, ACTION_HELP },
    { "version", no_argument, NULL, ACTION_VERSION },
    { "print-config", no_argument, NULL, ACTION_PRINT_CONFIG },
    { "check-config", no_argument, NULL, ACTION_CHECK_CONFIG },
    { "env-sample", no_argument, NULL, ACTION_ENV_SAMPLE },
    { "healthcheck", no_argument, NULL, ACTION_HEALTHCHECK },
    { "new-key", required_argument, NULL, ACTION_NEW_KEY },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    puts("telemetry-server: collects, queries and manages metrics over REST\n"
         "\n"
         "usage: telemetry-server [--help | --version | --print-config | --check-config | --env-sample | "
         "--healthcheck]\n"
         "       telemetry-server --new-key NAME reader|writer|admin\n"
         "\n"
         "Without an option it serves until SIGTERM or SIGINT, which let it answer what it has received;\n"
         "a second one ends it at once. Settings come from the environment, else from .env.$APP_ENV or,\n"
         "where that is absent, .env. --healthcheck asks a running server with these settings whether it is\n"
         "alive, and ends with 0 or 1. --new-key makes a key for API_KEYS_FILE, which SIGHUP reads again:\n");
    config_help(stdout);
}

static void end_at_once(int signal_number)
{
    _exit(EXIT_SIGNAL + signal_number);
}

/* The signals that end the server, and the one that makes it read its keys again, are taken by sigwait() alone, so no
 * thread may have them unblocked. */
static sigset_t block_signals(void)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full disk is an answer, not an end */
    return ending;
}

static enum log_level log_level_of(const char *name)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    enum log_level level = LOG_DEBUG;
    while (strcmp(names[level], name) != 0)
        level++;
    return level;
}

static int fail(const struct error *error)
{
    fprintf(stderr, "telemetry-server: %s\n", error->text);
    return error->exit_code;
}

static int serve(const struct config *config)
{
    struct error error;
    struct app *app;
    int signal_number;
    sigset_t ending = block_signals();
    if (log_start(log_level_of(config->log_level), strcmp(config->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                  &error) != 0)
        return fail(&error);
    if (app_start(config, &app, &error) != 0) {
        log_stop();
        return fail(&error);
    }
    while (sigwait(&ending, &signal_number) == 0 && signal_number == SIGHUP)
        app_reload(app);
    signal(SIGTERM, end_at_once);
    signal(SIGINT, end_at_once);
    signal(SIGHUP, SIG_IGN); /* no request is to come that needs other keys */
    pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
    app_stop(&app);
    log_stop();
    return 0;
}

static int new_key(const char *name, const char *role)
{
    char key[ACCESS_KEY_TEXT_BYTES], line[256];
    struct error error;
    if (access_new_key(name, role, key, line, &error) != 0)
        return fail(&error);
    printf("key, shown this once:        %s\nline for API_KEYS_FILE:      %s\n", key, line);
    return 0;
}

static int run(enum action action)
{
    struct config config;
    struct error error;
    int result = 0;
    if (config_load(&config, environ, NULL, &error) != 0)
        return fail(&error);
    if (app_check(&config, &error) != 0)
        result = fail(&error);
    else if (action == ACTION_PRINT_CONFIG)
        config_print(&config, stdout);
    else if (action == ACTION_HEALTHCHECK)
        result = healthcheck(&config, &error) == 0 ? 0 : fail(&error);
    else if (action == ACTION_RUN)
        result = serve(&config);
    config_fini(&config);
    return result;
}

int main(int argc, char *argv[])
{
    int option = getopt_long(argc, argv, "", options, NULL);
    enum action action = option == -1 ? ACTION_RUN : (enum action)option;
    if (action == ACTION_NEW_KEY && optind + 1 == argc)
        return new_key(optarg, argv[optind]);
    if (option == '?' || action == ACTION_NEW_KEY || optind < argc) {
        fprintf(stderr, "telemetry-server: unknown argument; see --help\n");
        return EXIT_USAGE;
    }
    switch (action) {
    case ACTION_HELP:
        print_help();
        return 0;
    case ACTION_VERSION:
        puts("telemetry-server " TELEMETRY_VERSION);
        return 0;
    case ACTION_ENV_SAMPLE:
        config_sample(stdout);
        return 0;
    default:
        return run(action);
    }
}
