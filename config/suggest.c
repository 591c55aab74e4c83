#include "config/suggest.h"

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, three rows. */
size_t config_edit_distance(struct gw_str a, struct gw_str b)
{
    if (a.len > CONFIG_SUGGEST_BYTES_MAX || b.len > CONFIG_SUGGEST_BYTES_MAX)
        return SIZE_MAX;
    size_t rows[3][CONFIG_SUGGEST_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = gw_lower(a.ptr[i - 1]);
            char y = gw_lower(b.ptr[j - 1]);
            row[j] = min2(min2(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == gw_lower(b.ptr[j - 2]) && gw_lower(a.ptr[i - 2]) == y)
                row[j] = min2(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *config_suggest(struct gw_str word, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        struct gw_str known = gw_str_from(words[i]);
        size_t distance = config_edit_distance(word, known);
        /* "cert" for "certificate": a beginning of three letters or more is close too. */
        if (word.len >= 3 && gw_str_starts_nocase(known, word))
            distance = min2(distance, 1);
        if (distance < best_distance && distance <= min2(word.len, known.len) / 3 + (known.len > 2)) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}
