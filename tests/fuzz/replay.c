/* SPDX-License-Identifier: MIT */
/* replay: gives a fuzz target the lines of files, or whole files behind `-w`, without libFuzzer. It aborts at what
 * breaks a promise. Usage: replay [-w] FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20 };

static size_t give_lines(char *bytes, size_t len)
{
    size_t n = 0;
    for (char *end; len > 0; n++) {
        end = memchr(bytes, '\n', len);
        size_t line = end == NULL ? len : (size_t)(end - bytes);
        LLVMFuzzerTestOneInput((const unsigned char *)bytes, line);
        size_t used = line < len ? line + 1 : line;
        bytes += used;
        len -= used;
    }
    return n;
}

int main(int argc, char **argv)
{
    static char bytes[INPUT_BYTES_MAX];
    int whole = argc > 1 && strcmp(argv[1], "-w") == 0;
    size_t n = 0;
    for (int i = 1 + whole; i < argc; i++) {
        FILE *stream = fopen(argv[i], "rb");
        if (stream == NULL) {
            perror(argv[i]);
            return 1;
        }
        size_t len = fread(bytes, 1, sizeof(bytes), stream);
        fclose(stream);
        if (!whole)
            n += give_lines(bytes, len);
        else if (LLVMFuzzerTestOneInput((const unsigned char *)bytes, len) == 0)
            n++;
    }
    printf("%zu inputs\n", n);
    return n == 0;
}
