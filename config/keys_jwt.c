/* The keys of what is verified by an issuer's signature: Universal Logout and OAuth bearers of a PROV face, id_tokens
 * of an SSO face. */
#include "config/keys.h"
#include "gateway/fetch/download.h"

static const char *text_keys_url(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    if (download_url_is_allowed(*ret_text))
        return NULL;
    return gw_arena_printf(arena,
                           "\"%.*s\" is not an https address such as https://acme.okta.com/oauth2/v1/keys (http only "
                           "to this machine)",
                           GW_STR_ARG(text))
        .ptr;
}

static enum gw_code finish_keys(struct config_reader *reader, const struct config_node *node, void *target)
{
    const struct config_keys *keys = target;
    if ((keys->file != NULL) == (keys->url != NULL))
        return config_refuse(reader, node, "names one of file and url");
    if (keys->ca != NULL && keys->url == NULL)
        return config_refuse(reader, config_node_get(node, "ca"), "goes with url");
    return GW_OK;
}

static const struct config_field keys_fields[] = {
    {"file", CONFIG_FILE, .offset = offsetof(struct config_keys, file)},
    {"url", CONFIG_TEXT, .offset = offsetof(struct config_keys, url), .text = text_keys_url},
    {"ca", CONFIG_FILE, .offset = offsetof(struct config_keys, ca)},
};
const struct config_mapping config_keys_mapping = {"keys", CONFIG_FIELDS(keys_fields), .finish = finish_keys};

#define WHY_ISSUER "the iss of its tokens, such as https://acme.okta.com"
#define WHY_KEYS "whose signature is believed: {file: FILE} or {url: https://...}"

static enum gw_code finish_logout(struct config_reader *reader, const struct config_node *node, void *target)
{
    (void)reader;
    (void)node;
    ((struct config_logout *)target)->is_present = true;
    return GW_OK;
}

static const struct config_field logout_fields[] = {
    {"path", CONFIG_TEXT, .offset = offsetof(struct config_logout, path), .text = config_text_path,
     .fallback = "/global-token-revocation"},
    {"issuer", CONFIG_TEXT, .offset = offsetof(struct config_logout, issuer), .required = true, .why = WHY_ISSUER},
    {"audience", CONFIG_TEXT, .offset = offsetof(struct config_logout, audience), .required = true,
     .why = "the address of the endpoint, as Okta calls it"},
    {"keys", CONFIG_MAPPING, .offset = offsetof(struct config_logout, keys), .mapping = &config_keys_mapping,
     .required = true, .why = WHY_KEYS},
    {"skew", CONFIG_DURATION, .offset = offsetof(struct config_logout, skew_ms), .fallback = "60s", .min = 1000,
     .max = 10 * CONFIG_MINUTE_MS},
};
const struct config_mapping config_logout_mapping = {"logout of the prov face", CONFIG_FIELDS(logout_fields),
                                                     .finish = finish_logout};

static enum gw_code finish_oauth(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_oauth *oauth = target;
    oauth->is_present = true;
    if (oauth->scope_provision != NULL && oauth->scope_read != NULL &&
        strcmp(oauth->scope_provision, oauth->scope_read) == 0)
        return config_refuse(reader, config_node_get(config_node_get(node, "scopes"), "read"),
                             "is the scope of provision, too");
    return GW_OK;
}

/* RFC 6749 section 3.3 */
static const char *text_scope(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    *ret_text = gw_arena_cstr(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || text.ptr[i] == '"' || text.ptr[i] == '\\')
            return gw_arena_printf(arena, "\"%.*s\" is not one scope", GW_STR_ARG(text)).ptr;
    }
    return text.len > 0 ? NULL : "must not be empty";
}

static const struct config_field scope_fields[] = {
    {"provision", CONFIG_TEXT, .offset = offsetof(struct config_oauth, scope_provision), .text = text_scope,
     .required = true, .why = "the scope with which everything may be changed"},
    {"read", CONFIG_TEXT, .offset = offsetof(struct config_oauth, scope_read), .text = text_scope},
};
/* Filled in the same struct: the offsets are those of struct config_oauth. */
static const struct config_mapping scope_mapping = {"scopes", CONFIG_FIELDS(scope_fields)};

static const struct config_field oauth_fields[] = {
    {"issuer", CONFIG_TEXT, .offset = offsetof(struct config_oauth, issuer), .required = true, .why = WHY_ISSUER},
    {"audience", CONFIG_TEXT, .offset = offsetof(struct config_oauth, audience), .required = true,
     .why = "the aud of its tokens"},
    {"keys", CONFIG_MAPPING, .offset = offsetof(struct config_oauth, keys), .mapping = &config_keys_mapping,
     .required = true, .why = WHY_KEYS},
    {"skew", CONFIG_DURATION, .offset = offsetof(struct config_oauth, skew_ms), .fallback = "60s", .min = 1000,
     .max = 10 * CONFIG_MINUTE_MS},
    {"scope_claim", CONFIG_TEXT, .offset = offsetof(struct config_oauth, scope_claim), .fallback = "scp"},
    {"scopes", CONFIG_MAPPING, .mapping = &scope_mapping, .required = true,
     .why = "which scope allows what: {provision: scim.write, read: scim.read}"},
};
const struct config_mapping config_oauth_mapping = {"oauth", CONFIG_FIELDS(oauth_fields), .finish = finish_oauth};

static const struct config_field id_token_fields[] = {
    {"acs", CONFIG_TEXT_LIST, .offset = offsetof(struct config_id_token, acs),
     .count_offset = offsetof(struct config_id_token, acs_count), .text = config_text_path, .min = 1, .max = 16,
     .required = true, .why = "the paths to which the provider's form posts, such as [/callback]"},
    {"issuer", CONFIG_TEXT, .offset = offsetof(struct config_id_token, issuer), .required = true, .why = WHY_ISSUER},
    {"audience", CONFIG_TEXT, .offset = offsetof(struct config_id_token, audience), .required = true,
     .why = "the client id of the app"},
    {"keys", CONFIG_MAPPING, .offset = offsetof(struct config_id_token, keys), .mapping = &config_keys_mapping,
     .required = true, .why = WHY_KEYS},
    {"user", CONFIG_TEXT, .offset = offsetof(struct config_id_token, user), .fallback = "preferred_username"},
    {"match", CONFIG_CHOICE, .offset = offsetof(struct config_id_token, match), .words = config_match_words,
     .fallback = "userName"},
    {"gate", CONFIG_CHOICE, .offset = offsetof(struct config_id_token, gate), .words = config_gate_words,
     .fallback = "enforce"},
    {"skew", CONFIG_DURATION, .offset = offsetof(struct config_id_token, skew_ms), .fallback = "60s", .min = 1000,
     .max = 10 * CONFIG_MINUTE_MS},
};
const struct config_mapping config_id_token_mapping = {"id_token", CONFIG_FIELDS(id_token_fields)};

void config_id_token_share(const struct config_id_token *id_token, struct config_saml *ret_saml)
{
    *ret_saml = (struct config_saml){
        .acs = id_token->acs,
        .acs_count = id_token->acs_count,
        .idp_entity = id_token->issuer,
        .audience = id_token->audience,
        .user_attribute = gw_str_eq(gw_str_from(id_token->user), GW_STR("sub")) ? NULL : id_token->user,
        .match = id_token->match,
        .gate = id_token->gate,
        .skew_ms = id_token->skew_ms,
        /* OpenID Connect Core section 5.1 */
        .attributes = {"given_name", "family_name", "name", "email"},
    };
}
