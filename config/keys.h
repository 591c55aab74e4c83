/* keys: the tables of everything a configuration may say. Documentation and tests walk them from the top. Immutable. */
#pragma once

#include "config/reader.h"

extern const struct config_mapping config_top_mapping;       /* struct config */
extern const struct config_mapping config_sso_face_mapping;  /* struct config_sso_face */
extern const struct config_mapping config_prov_face_mapping; /* struct config_prov_face */

extern const struct config_mapping config_upstream_mapping; /* struct config_upstream */
/* A URL alone, or the mapping. */
enum gw_code config_upstream_read(struct config_reader *reader, const struct config_node *node, void *target);

extern const struct config_mapping config_keys_mapping;   /* struct config_keys */
extern const struct config_mapping config_logout_mapping; /* struct config_logout */
extern const struct config_mapping config_oauth_mapping;  /* struct config_oauth */
extern const struct config_mapping config_schema_mapping; /* struct config_schema */

/* No two schemas of a face have the same URN. */
GW_MUST_CHECK enum gw_code config_schemas_check(struct config_reader *reader, const struct config_node *schemas);
extern const struct config_mapping config_id_token_mapping; /* struct config_id_token */

/* What an id_token has in common with SAML. */
void config_id_token_share(const struct config_id_token *id_token, struct config_saml *ret_saml);

extern const struct config_word config_match_words[]; /* enum config_match */
extern const struct config_word config_gate_words[];  /* enum config_gate */

/* Stripped from requests unless `strip_request_headers` says otherwise (semantics.md 8); ends in NULL. */
extern const char *const config_strip_headers_default[];

#define CONFIG_MINUTE_MS 60000ull
#define CONFIG_HOUR_MS (60ull * CONFIG_MINUTE_MS)
#define CONFIG_DAY_MS (24ull * CONFIG_HOUR_MS)
