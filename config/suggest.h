/* suggest: the word that was probably meant. Any thread. */
#pragma once

#include "gateway/base/str.h"

/* Steps (insert, drop, change or swap one letter, ASCII case aside) from one word to the other; words longer than
 * CONFIG_SUGGEST_BYTES_MAX are never close. */
#define CONFIG_SUGGEST_BYTES_MAX 40u
size_t config_edit_distance(struct gw_str a, struct gw_str b);

/* The one of `words` (`count` of them) that is close enough to `word` to be worth saying, or NULL. */
const char *config_suggest(struct gw_str word, const char *const *words, size_t count);
