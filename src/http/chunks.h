/* SPDX-License-Identifier: MIT */
/* chunks: the chunked transfer coding (RFC 9112, 7.1), read strictly.
 *
 * Lines end in CR LF and nothing else; a size has 1 to 16 hex digits and no blanks around it; extensions
 * and trailers are read over, hold no controls, and share CHUNK_OVERHEAD_MAX bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>

enum { CHUNK_OVERHEAD_MAX = 8192 };

enum chunks_state {
    CHUNKS_SIZE,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER_START,
    CHUNKS_TRAILER_NAME,
    CHUNKS_TRAILER_VALUE,
    CHUNKS_TRAILER_LF,
    CHUNKS_END_LF,
    CHUNKS_END
};

/* Zero is the state before the first byte. */
struct chunks {
    enum chunks_state state;
    unsigned digits; /* of the size being read */
    size_t overhead; /* bytes of extensions and trailers so far */
    uint64_t size;   /* of the chunk being read */
    uint64_t left;   /* of its data */
};

/* Reads from bytes[0..len) up to the end of a run of data or of the coding. Returns how many bytes it
 * took, with *ret_data what of them is body (empty when none), or -1 for bytes that are not the coding.
 * At the end state is CHUNKS_END and what follows is left alone. */
ptrdiff_t chunks_read(struct chunks *chunks, const char *bytes, size_t len, struct slice *ret_data);
