/* phr: the header parser that libh2o exports (picohttpparser) and ships no header for. It is lenient by design: nothing
 * it lets through is believed before head.c has checked it. */
#pragma once

#include <stddef.h>

struct phr_header {
    const char *name; /* NULL for a folded line */
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* Bytes used, -1 bad, -2 not complete. */
int phr_parse_headers(const char *buf, size_t len, struct phr_header *headers, size_t *num_headers, size_t last_len);
