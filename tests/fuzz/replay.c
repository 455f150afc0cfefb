/* SPDX-License-Identifier: MIT */
/* replay: the main() of a fuzz target in builds without libFuzzer. It runs the empty input, then those of a
 * folder in the order of their names, or the one input that is its argument. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

enum { INPUT_BYTES_MAX = 1 << 20 };

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    assert(file != NULL && bytes != NULL);
    size_t len = fread(bytes, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    printf("# %s\n", path); /* the last one said is the one that failed */
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
}

/* How many there were; -1 when it is no folder. */
static int run_folder(const char *folder)
{
    struct dirent **entries;
    char path[4096];
    int n = scandir(folder, &entries, NULL, alphasort), n_run = 0;
    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            run_file(path);
            n_run++;
        }
        free(entries[i]);
    }
    free(entries);
    return n_run;
}

int main(int argc, char *argv[])
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS|INPUT\n", argv[0]);
        return 2;
    }
    puts("1..1");
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    int n_run = run_folder(argv[1]);
    if (n_run < 0) {
        run_file(argv[1]);
        n_run = 1;
    }
    printf("%s 1 - kept inputs (%d)\n", n_run > 0 ? "ok" : "not ok", n_run);
    return n_run > 0 ? 0 : 1;
}
