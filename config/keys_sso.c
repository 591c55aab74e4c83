/* The keys of an app's SSO face. */
#include "config/keys.h"

const struct config_word config_match_words[] = {{"userName", CONFIG_MATCH_USER_NAME},
                                                 {"externalId", CONFIG_MATCH_EXTERNAL_ID},
                                                 {"email", CONFIG_MATCH_EMAIL},
                                                 {NULL, 0}};
const struct config_word config_gate_words[] = {
    {"enforce", CONFIG_GATE_ENFORCE}, {"observe", CONFIG_GATE_OBSERVE}, {NULL, 0}};

static const struct config_field attribute_fields[] = {
    {"given_name", CONFIG_TEXT, .offset = offsetof(struct config_saml_attributes, given_name)},
    {"family_name", CONFIG_TEXT, .offset = offsetof(struct config_saml_attributes, family_name)},
    {"display_name", CONFIG_TEXT, .offset = offsetof(struct config_saml_attributes, display_name)},
    {"email", CONFIG_TEXT, .offset = offsetof(struct config_saml_attributes, email)},
};
static const struct config_mapping attribute_mapping = {"attributes", CONFIG_FIELDS(attribute_fields)};

static const struct config_field saml_fields[] = {
    {"acs", CONFIG_TEXT_LIST, .offset = offsetof(struct config_saml, acs),
     .count_offset = offsetof(struct config_saml, acs_count), .text = config_text_path, .min = 1, .max = 16,
     .required = true, .why = "the paths to which the identity provider posts, such as [/saml/acs]"},
    {"idp_certificates", CONFIG_FILE_LIST, .offset = offsetof(struct config_saml, idp_certificates),
     .count_offset = offsetof(struct config_saml, idp_certificate_count), .min = 1, .max = 16, .required = true,
     .why = "without the identity provider's certificate no sign-on can be believed"},
    {"idp_entity", CONFIG_TEXT, .offset = offsetof(struct config_saml, idp_entity), .required = true},
    {"audience", CONFIG_TEXT, .offset = offsetof(struct config_saml, audience), .required = true},
    {"user", CONFIG_TEXT, .offset = offsetof(struct config_saml, user_attribute), .text = config_text_saml_user,
     .fallback = "nameid"},
    {"match", CONFIG_CHOICE, .offset = offsetof(struct config_saml, match), .words = config_match_words,
     .fallback = "userName"},
    {"gate", CONFIG_CHOICE, .offset = offsetof(struct config_saml, gate), .words = config_gate_words,
     .fallback = "enforce"},
    {"skew", CONFIG_DURATION, .offset = offsetof(struct config_saml, skew_ms), .fallback = "60s", .min = 0,
     .max = 10 * CONFIG_MINUTE_MS},
    {"attributes", CONFIG_MAPPING, .offset = offsetof(struct config_saml, attributes), .mapping = &attribute_mapping},
};
static const struct config_mapping saml_mapping = {"saml", CONFIG_FIELDS(saml_fields)};

static const struct config_field after_fields[] = {
    {"after", CONFIG_TEXT, .offset = offsetof(struct config_probe_when, after), .text = config_text_path,
     .required = true},
};
static const struct config_mapping after_mapping = {"when", CONFIG_FIELDS(after_fields)};

static enum gw_code read_when(struct config_reader *reader, const struct config_node *node, void *target)
{
    static const struct config_word unbound_word[] = {{"unbound", 1}, {NULL, 0}};
    struct config_probe *probe = target;
    if (node == NULL)
        return GW_OK;
    void *items = NULL;
    GW_TRY(config_list_alloc(reader, node, 1, 16, sizeof *probe->when, &items));
    probe->when = items;
    probe->when_count = node->count;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        struct config_probe_when *when = &probe->when[child->index];
        if (child->kind == CONFIG_NODE_TEXT) {
            unsigned value = 0;
            GW_TRY(config_word_read(reader, child, unbound_word, &value));
            when->unbound = true;
        } else {
            GW_TRY(config_mapping_read(reader, &after_mapping, child, when));
        }
    }
    return GW_OK;
}

static const struct config_field probe_fields[] = {
    {"when", CONFIG_CUSTOM, .read = read_when, .mapping = &after_mapping, .required = true,
     .why = "such as [unbound, {after: /callback}]"},
    {"get", CONFIG_TEXT, .offset = offsetof(struct config_probe, get), .text = config_text_path, .required = true},
    {"user_name", CONFIG_TEXT, .offset = offsetof(struct config_probe, user_name), .text = config_text_pointer,
     .required = true, .why = "where the answer says who it is, such as /email"},
};
static const struct config_mapping probe_mapping = {"probe", CONFIG_FIELDS(probe_fields)};

static const struct config_field header_fields[] = {
    {"name", CONFIG_TEXT, .offset = offsetof(struct config_identity, header_name), .text = config_text_header,
     .required = true},
};
static const struct config_mapping header_mapping = {"header", CONFIG_FIELDS(header_fields)};

static enum gw_code finish_identity(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_identity *identity = target;
    if (node->count != 1)
        return config_refuse(reader, node,
                             "names %zu ways; each entry of the list is one of saml, id_token, probe, header",
                             node->count);
    identity->kind = config_node_get(node, "saml") != NULL       ? CONFIG_IDENTITY_SAML
                     : config_node_get(node, "probe") != NULL    ? CONFIG_IDENTITY_PROBE
                     : config_node_get(node, "id_token") != NULL ? CONFIG_IDENTITY_ID_TOKEN
                                                                 : CONFIG_IDENTITY_HEADER;
    if (identity->kind == CONFIG_IDENTITY_ID_TOKEN)
        config_id_token_share(&identity->id_token, &identity->saml);
    return GW_OK;
}

static const struct config_field identity_fields[] = {
    {"saml", CONFIG_MAPPING, .offset = offsetof(struct config_identity, saml), .mapping = &saml_mapping},
    {"id_token", CONFIG_MAPPING, .offset = offsetof(struct config_identity, id_token),
     .mapping = &config_id_token_mapping},
    {"probe", CONFIG_MAPPING, .offset = offsetof(struct config_identity, probe), .mapping = &probe_mapping},
    {"header", CONFIG_MAPPING, .mapping = &header_mapping},
};
static const struct config_mapping identity_mapping = {
    "identity", CONFIG_FIELDS(identity_fields), .size = sizeof(struct config_identity), .finish = finish_identity};

static const struct config_field forwarded_fields[] = {
    {"for", CONFIG_SWITCH, .offset = offsetof(struct config_forwarded, for_on), .fallback = "on"},
    {"proto", CONFIG_SWITCH, .offset = offsetof(struct config_forwarded, proto_on), .fallback = "on"},
    {"host", CONFIG_SWITCH, .offset = offsetof(struct config_forwarded, host_on), .fallback = "on"},
    {"port", CONFIG_SWITCH, .offset = offsetof(struct config_forwarded, port_on), .fallback = "on"},
};
static const struct config_mapping forwarded_mapping = {"forwarded", CONFIG_FIELDS(forwarded_fields)};

static enum gw_code read_inject(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_sso_face *face = target;
    if (node == NULL)
        return GW_OK;
    if (node->kind != CONFIG_NODE_MAPPING)
        return config_refuse(reader, node,
                             "must be a mapping of header names to attributes, such as {X-User: userName}");
    face->inject = gw_arena_array(reader->arena, node->count, sizeof *face->inject);
    face->inject_count = node->count;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        struct config_inject *inject = &face->inject[child->index];
        const char *reason = config_text_header(reader->arena, child->key, &inject->name);
        if (reason != NULL)
            return config_refuse_key(reader, child, "%s", reason);
        GW_TRY(config_text_read(reader, child, config_text_name, &inject->value));
    }
    return GW_OK;
}

static const struct config_field guarded_path_fields[] = {
    {"path", CONFIG_TEXT, .offset = offsetof(struct config_guarded_path, path), .text = config_text_path,
     .required = true},
    {"require", CONFIG_TEXT_LIST, .offset = offsetof(struct config_guarded_path, require),
     .count_offset = offsetof(struct config_guarded_path, require_count), .text = config_text_name, .min = 1,
     .required = true},
};
static const struct config_mapping guarded_path_mapping = {"roles of the sso face", CONFIG_FIELDS(guarded_path_fields),
                                                           .size = sizeof(struct config_guarded_path)};

const char *const config_strip_headers_default[] = {
    "Remote-User", "X-Remote-User",  "X-Forwarded-User", "X-Real-IP", "X-Forwarded-Prefix",
    "Forwarded",   "X-Original-URL", "X-Rewrite-URL",    "Proxy",     NULL,
};

static void strip(struct config_sso_face *face, const char *name)
{
    for (size_t i = 0; i < face->strip_request_header_count; i++) {
        if (gw_str_eq_nocase(gw_str_from(face->strip_request_headers[i]), gw_str_from(name)))
            return;
    }
    face->strip_request_headers[face->strip_request_header_count++] = name;
}

/* The list as printed: what was given or the usual ones, and always the identity headers in use (semantics.md 8). */
static void complete_strip_list(struct gw_arena *arena, struct config_sso_face *face, bool is_given)
{
    size_t usual = sizeof config_strip_headers_default / sizeof *config_strip_headers_default;
    size_t room = face->strip_request_header_count + usual + face->identity_count + face->inject_count + 1;
    const char **given = face->strip_request_headers;
    size_t given_count = face->strip_request_header_count;
    face->strip_request_headers = gw_arena_array(arena, room, sizeof *face->strip_request_headers);
    face->strip_request_header_count = 0;
    for (size_t i = 0; i < given_count; i++)
        strip(face, given[i]);
    for (size_t i = 0; !is_given && config_strip_headers_default[i] != NULL; i++)
        strip(face, config_strip_headers_default[i]);
    for (size_t i = 0; i < face->identity_count; i++) {
        if (face->identities[i].kind == CONFIG_IDENTITY_HEADER)
            strip(face, face->identities[i].header_name);
    }
    for (size_t i = 0; i < face->inject_count; i++)
        strip(face, face->inject[i].name);
    if (face->request_id_header != NULL)
        strip(face, face->request_id_header);
}

static const struct config_node *acs_of(const struct config_node *identity)
{
    const struct config_node *saml = config_node_get(identity, "saml");
    return config_node_get(saml != NULL ? saml : config_node_get(identity, "id_token"), "acs");
}

/* Two entries with one path: the second would never be asked. */
static enum gw_code check_acs_of(struct config_reader *reader, const struct config_node *a, const struct config_node *b)
{
    const struct config_node *paths = acs_of(a);
    const struct config_node *others = acs_of(b);
    for (const struct config_node *x = paths != NULL ? paths->first : NULL; x != NULL; x = x->next) {
        for (const struct config_node *y = others != NULL ? others->first : NULL; y != NULL; y = y->next) {
            if (gw_str_eq(x->text, y->text))
                return config_refuse(reader, y, "the path %.*s is taken by identity[%zu]", GW_STR_ARG(y->text),
                                     a->index);
        }
    }
    return GW_OK;
}

static enum gw_code check_acs_paths(struct config_reader *reader, const struct config_node *identities)
{
    for (const struct config_node *a = identities->first; a != NULL; a = a->next) {
        for (const struct config_node *b = a->next; b != NULL; b = b->next)
            GW_TRY(check_acs_of(reader, a, b));
    }
    return GW_OK;
}

static enum gw_code finish_sso_face(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_sso_face *face = target;
    GW_TRY(check_acs_paths(reader, config_node_get(node, "identity")));
    if (face->external_url == NULL)
        face->external_url = gw_arena_printf(reader->arena, "https://%s", face->hosts[0]).ptr;
    complete_strip_list(reader->arena, face, config_node_get(node, "strip_request_headers") != NULL);
    return GW_OK;
}

static const struct config_field refusal_fields[] = {
    {"page", CONFIG_FILE, .offset = offsetof(struct config_refusal, page)},
    {"contact", CONFIG_TEXT, .offset = offsetof(struct config_refusal, contact)},
};
static const struct config_mapping refusal_mapping = {"refusal", CONFIG_FIELDS(refusal_fields)};

static const struct config_word deactivated_words[] = {
    {"refuse", CONFIG_DEACTIVATED_REFUSE}, {"report", CONFIG_DEACTIVATED_REPORT}, {NULL, 0}};
static const struct config_word unbound_words[] = {
    {"pass", CONFIG_UNBOUND_PASS}, {"reauth", CONFIG_UNBOUND_REAUTH}, {"refuse", CONFIG_UNBOUND_REFUSE}, {NULL, 0}};
static const struct config_word unknown_words[] = {
    {"observe", CONFIG_UNKNOWN_OBSERVE}, {"refuse", CONFIG_UNKNOWN_REFUSE}, {NULL, 0}};
static const struct config_word undecided_words[] = {
    {"pass", CONFIG_UNDECIDED_PASS}, {"refuse", CONFIG_UNDECIDED_REFUSE}, {NULL, 0}};
static const struct config_word path_words[] = {{"case_sensitive", 0}, {"case_insensitive", 1}, {NULL, 0}};

static const struct config_field face_fields[] = {
    {"hosts", CONFIG_TEXT_LIST, .offset = offsetof(struct config_sso_face, hosts),
     .count_offset = offsetof(struct config_sso_face, host_count), .text = config_text_host, .min = 1, .max = 64,
     .required = true},
    {"external_url", CONFIG_TEXT, .offset = offsetof(struct config_sso_face, external_url), .text = config_text_origin},
    {"upstream", CONFIG_CUSTOM, .offset = offsetof(struct config_sso_face, upstream), .read = config_upstream_read,
     .mapping = &config_upstream_mapping, .required = true, .why = "where the app is, such as http://127.0.0.1:8080"},
    {"session_cookies", CONFIG_TEXT_LIST, .offset = offsetof(struct config_sso_face, session_cookies),
     .count_offset = offsetof(struct config_sso_face, session_cookie_count), .text = config_text_cookie, .min = 1,
     .max = 16, .required = true, .why = "a sign-on is remembered by the app's session cookie"},
    {"keeps_session_id", CONFIG_SWITCH, .offset = offsetof(struct config_sso_face, keeps_session_id),
     .fallback = "off"},
    {"session_ttl", CONFIG_DURATION, .offset = offsetof(struct config_sso_face, session_ttl_ms), .fallback = "30d",
     .min = CONFIG_MINUTE_MS, .max = 3650 * CONFIG_DAY_MS},
    {"identity", CONFIG_LIST, .offset = offsetof(struct config_sso_face, identities),
     .count_offset = offsetof(struct config_sso_face, identity_count), .mapping = &identity_mapping, .min = 1,
     .max = 16, .required = true, .why = "say how a session gets its user: saml, id_token, probe or header"},
    {"deactivated", CONFIG_CHOICE, .offset = offsetof(struct config_sso_face, deactivated), .fallback = "refuse",
     .words = deactivated_words},
    {"unbound", CONFIG_CHOICE, .offset = offsetof(struct config_sso_face, unbound), .fallback = "pass",
     .words = unbound_words},
    {"unknown", CONFIG_CHOICE, .offset = offsetof(struct config_sso_face, unknown), .fallback = "observe",
     .words = unknown_words},
    {"undecided", CONFIG_CHOICE, .offset = offsetof(struct config_sso_face, undecided), .fallback = "pass",
     .words = undecided_words},
    {"forwarded", CONFIG_MAPPING, .offset = offsetof(struct config_sso_face, forwarded), .mapping = &forwarded_mapping},
    {"trusted_proxies", CONFIG_CIDR_LIST, .offset = offsetof(struct config_sso_face, trusted_proxies),
     .count_offset = offsetof(struct config_sso_face, trusted_proxy_count)},
    {"strip_request_headers", CONFIG_TEXT_LIST, .offset = offsetof(struct config_sso_face, strip_request_headers),
     .count_offset = offsetof(struct config_sso_face, strip_request_header_count), .text = config_text_header},
    {"inject", CONFIG_CUSTOM, .read = read_inject},
    {"roles", CONFIG_LIST, .offset = offsetof(struct config_sso_face, guarded_paths),
     .count_offset = offsetof(struct config_sso_face, guarded_path_count), .mapping = &guarded_path_mapping},
    {"never_refuse", CONFIG_TEXT_LIST, .offset = offsetof(struct config_sso_face, never_refuse),
     .count_offset = offsetof(struct config_sso_face, never_refuse_count)},
    {"refusal", CONFIG_MAPPING, .offset = offsetof(struct config_sso_face, refusal), .mapping = &refusal_mapping},
    {"request_id_header", CONFIG_TEXT, .offset = offsetof(struct config_sso_face, request_id_header),
     .text = config_text_header},
    {"logout", CONFIG_TEXT_LIST, .offset = offsetof(struct config_sso_face, logout),
     .count_offset = offsetof(struct config_sso_face, logout_count), .text = config_text_path, .max = 16},
    {"paths", CONFIG_SWITCH, .offset = offsetof(struct config_sso_face, paths_case_insensitive),
     .fallback = "case_sensitive", .words = path_words},
};
const struct config_mapping config_sso_face_mapping = {"apps: sso", CONFIG_FIELDS(face_fields),
                                                       .finish = finish_sso_face};
