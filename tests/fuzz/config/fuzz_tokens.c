/* What a value of Authorization stands for: nothing but the right secret in the right form finds a credential. */
#include "config/tokens.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token tokens[3];
    for (int kind = 0; kind < 3; kind++)
        tokens[kind] = (struct token){.name = GW_STR("okta"),
                                      .kind = (enum token_kind)kind,
                                      .digest = gw_sha256(GW_STR("secret")),
                                      .created_ms = 1};
    const struct token_set set = {.tokens = tokens, .count = 3};
    struct gw_str value = gw_str_n(size > 0 ? (const char *)data : "", size);
    const struct token *token = token_set_find(&set, value, 1);
    struct gw_str trimmed = gw_str_trim(value);
    if (token == NULL) {
        GW_ASSERT(!gw_str_eq(trimmed, GW_STR("secret")) && !gw_str_eq(trimmed, GW_STR("Bearer secret")));
        return 0;
    }
    bool is_raw = gw_str_eq(trimmed, GW_STR("secret"));
    bool is_bearer = gw_str_starts_nocase(trimmed, GW_STR("bearer ")) && gw_str_ends(trimmed, GW_STR(" secret"));
    bool is_basic =
        gw_str_starts_nocase(trimmed, GW_STR("basic ")) && gw_str_ends(trimmed, GW_STR(" b2t0YTpzZWNyZXQ="));
    GW_ASSERT(token->kind == (is_raw ? TOKEN_RAW : is_bearer ? TOKEN_BEARER : TOKEN_BASIC));
    GW_ASSERT(is_raw || is_bearer || is_basic);
    return 0;
}
