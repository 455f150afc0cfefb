/* SPDX-License-Identifier: MIT */
/* replay: the main() of a fuzz target in builds without libFuzzer. It runs the inputs of one folder, its argument, in
 * the order of their names, and the empty input before them. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

enum { INPUT_BYTES_MAX = 1 << 20 };

static void run_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert(file != NULL);
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    assert(bytes != NULL);
    size_t len = fread(bytes, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    printf("# %s\n", name); /* the last one said is the one that failed */
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
}

int main(int argc, char *argv[])
{
    struct dirent **entries;
    unsigned n_run = 0;
    int n = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    if (n < 0) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    puts("1..1");
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            run_file(argv[1], entries[i]->d_name);
            n_run++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%s 1 - kept inputs (%u)\n", n_run > 0 ? "ok" : "not ok", n_run);
    return n_run > 0 ? 0 : 1;
}
