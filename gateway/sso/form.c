#include "gateway/sso/form.h"

#include "gateway/base/percent.h"

static const struct gw_str saml_words[] = {GW_STR_INIT("samlresponse"), GW_STR_INIT("samlrequest"),
                                           GW_STR_INIT("samlart")};
static const struct gw_str token_words[] = {GW_STR_INIT("id_token")};
static const struct gw_str answer_words[] = {GW_STR_INIT("code"), GW_STR_INIT("access_token")};
/* `response` has all of them within a token (JARM), by the choice of whoever signs in (`response_mode=form_post.jwt`).
 */
static const struct gw_str answer_names[] = {GW_STR_INIT("code"), GW_STR_INIT("access_token"), GW_STR_INIT("response")};
static const struct gw_str form_words[] = {GW_STR_INIT("relaystate"), GW_STR_INIT("_charset_")};
/* In these the bytes of the body mean what they mean in ASCII; in UTF-7, UTF-16 or EBCDIC an app would read another
 * form. */
static const struct gw_str plain_charsets[] = {GW_STR_INIT("utf-8"), GW_STR_INIT("us-ascii"),
                                               GW_STR_INIT("iso-8859-1")};

static bool is_plain_charset(struct gw_str value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = gw_str_n(value.ptr + 1, value.len - 2);
    for (size_t i = 0; i < sizeof plain_charsets / sizeof plain_charsets[0]; i++) {
        if (gw_str_eq_nocase(value, plain_charsets[i]))
            return true;
    }
    return false;
}

static bool is_form_type(struct gw_str content_type)
{
    struct gw_str rest = content_type;
    if (!gw_str_eq_nocase(gw_str_trim(gw_str_split(&rest, ';')), GW_STR("application/x-www-form-urlencoded")))
        return false;
    for (int seen = 0; rest.ptr != NULL; seen++) {
        struct gw_str value = gw_str_split(&rest, ';');
        struct gw_str name = gw_str_trim(gw_str_split(&value, '='));
        if (name.len == 0 && value.ptr == NULL)
            continue;
        if (seen > 0 || !gw_str_eq_nocase(name, GW_STR("charset")) || !is_plain_charset(gw_str_trim(value)))
            return false;
    }
    return true;
}

enum gw_code sso_form_check_head(const struct sso_form_head *head, struct gw_error *err)
{
    for (size_t i = 0; i < head->content_encoding_count; i++) {
        if (!gw_str_eq_nocase(gw_str_trim(head->content_encodings[i]), GW_STR("identity")))
            return gw_fail(err, GW_E_MEDIA_TYPE, "a sign-on form must not have a content coding");
    }
    if (head->content_type_count != 1)
        return gw_fail(err, GW_E_MEDIA_TYPE, "a sign-on form needs exactly one Content-Type");
    if (!is_form_type(head->content_types[0]))
        return gw_fail(err, GW_E_MEDIA_TYPE,
                       "a sign-on form must be application/x-www-form-urlencoded in an ASCII-compatible charset");
    return GW_OK;
}

static bool contains(struct gw_str s, struct gw_str word)
{
    return memmem(s.ptr, s.len, word.ptr, word.len) != NULL;
}

/* Some frameworks decode twice, cut at NUL, trim, or read `name[]` as `name`: whatever holds the word is that name. */
static bool names_word(struct gw_arena *arena, struct gw_str text, const struct gw_str *words, size_t count)
{
    if (text.len == 0)
        return false;
    char *folded = gw_arena_alloc(arena, text.len);
    size_t len = gw_percent_decode(text, folded);
    len = gw_percent_decode(gw_str_n(folded, len), folded);
    for (size_t i = 0; i < len; i++)
        folded[i] = gw_lower(folded[i]);
    for (size_t i = 0; i < count; i++) {
        if (contains(gw_str_n(folded, len), words[i]))
            return true;
    }
    return false;
}

/* Decoded twice, cut where some parsers cut it (`code[]`, NUL), without blanks, in lower case. */
static struct gw_str plain_name(struct gw_arena *arena, struct gw_str name)
{
    char *plain = gw_arena_alloc(arena, name.len + 1);
    size_t len = gw_percent_decode(name, plain);
    len = gw_percent_decode(gw_str_n(plain, len), plain);
    size_t used = 0;
    for (size_t i = 0; i < len && plain[i] != '\0' && plain[i] != '['; i++) {
        if (plain[i] > ' ' && plain[i] != '+')
            plain[used++] = gw_lower(plain[i]);
    }
    return gw_str_n(plain, used);
}

static bool names_answer(struct gw_arena *arena, struct gw_str name)
{
    struct gw_str plain = plain_name(arena, name);
    bool names = false;
    for (size_t i = 0; i < sizeof answer_names / sizeof answer_names[0]; i++)
        names |= gw_str_eq(plain, answer_names[i]);
    return names;
}

#define WORDS(list) (list), sizeof(list) / sizeof((list)[0])

bool sso_form_query_names_token(struct gw_str query)
{
    GW_ARENA_SCOPED(arena);
    return names_word(&arena, query, WORDS(token_words));
}

bool sso_form_query_has_answer(struct gw_str query)
{
    GW_ARENA_SCOPED(arena);
    bool has = false;
    for (size_t start = 0, i = 0; i <= query.len && !has; i++) {
        if (i < query.len && query.ptr[i] != '&' && query.ptr[i] != ';')
            continue;
        struct gw_str piece = gw_str_n(query.ptr + start, i - start);
        has = names_answer(&arena, gw_str_split(&piece, '='));
        start = i + 1;
    }
    return has;
}

bool sso_form_query_names_saml(struct gw_str query)
{
    GW_ARENA_SCOPED(arena);
    return names_word(&arena, query, WORDS(saml_words));
}

static bool is_form_bytes(struct gw_str body)
{
    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.ptr[i];
        /* Some parsers take `;` for `&`; browsers always encode it. */
        if (c <= 0x20 || c >= 0x7f || c == ';')
            return false;
    }
    return true;
}

static enum gw_code take_value(struct gw_arena *arena, struct gw_str raw, const char *name, struct gw_str *field,
                               struct gw_error *err)
{
    if (field->ptr != NULL)
        return gw_fail(err, GW_E_BAD_REQUEST, "the form has %s twice", name);
    char *value = gw_arena_alloc(arena, raw.len + 1);
    size_t len;
    if (!gw_str_percent_decode(raw, true, value, &len))
        return gw_fail(err, GW_E_BAD_REQUEST, "%s is not well percent-coded", name);
    *field = gw_str_n(value, len);
    return GW_OK;
}

/* Reads one pair into `form`. */
typedef enum gw_code (*pair_fn)(struct gw_arena *arena, struct gw_str name, struct gw_str value, void *form,
                                struct gw_error *err);

static enum gw_code fail_name(struct gw_error *err)
{
    return gw_fail(err, GW_E_BAD_REQUEST, "the form has a parameter that some parsers read as another one");
}

static enum gw_code read_saml_pair(struct gw_arena *arena, struct gw_str name, struct gw_str value, void *data,
                                   struct gw_error *err)
{
    struct sso_form *form = data;
    if (gw_str_eq(name, GW_STR("SAMLResponse")) && value.ptr != NULL)
        return take_value(arena, value, "SAMLResponse", &form->saml_response, err);
    if (gw_str_eq(name, GW_STR("RelayState")) && value.ptr != NULL)
        return take_value(arena, value, "RelayState", &form->relay_state, err);
    if (names_word(arena, name, WORDS(saml_words)) || names_word(arena, name, WORDS(form_words)))
        return fail_name(err);
    return GW_OK;
}

struct token_reading {
    struct sso_token_form form;
    bool has_answer; /* something else that may sign somebody in */
};

static enum gw_code read_token_pair(struct gw_arena *arena, struct gw_str name, struct gw_str value, void *data,
                                    struct gw_error *err)
{
    struct token_reading *reading = data;
    if (gw_str_eq(name, GW_STR("id_token")) && value.ptr != NULL)
        return take_value(arena, value, "id_token", &reading->form.id_token, err);
    if (gw_str_eq(name, GW_STR("code")) && value.ptr != NULL)
        return take_value(arena, value, "code", &reading->form.code, err);
    if (gw_str_eq(name, GW_STR("access_token")) && value.ptr != NULL)
        return take_value(arena, value, "access_token", &reading->form.access_token, err);
    if (names_word(arena, name, WORDS(token_words)) || names_word(arena, name, &form_words[1], 1) ||
        names_answer(arena, name))
        return fail_name(err);
    reading->has_answer = reading->has_answer || names_word(arena, name, WORDS(answer_words));
    return GW_OK;
}

static enum gw_code read_pairs(struct gw_arena *arena, struct gw_str body, pair_fn on_pair, void *form,
                               struct gw_error *err)
{
    if (body.len > SSO_FORM_BYTES_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "the sign-on form is larger than %u bytes", SSO_FORM_BYTES_MAX);
    if (!is_form_bytes(body))
        return gw_fail(err, GW_E_BAD_REQUEST, "the sign-on form has bytes that no browser sends in a form");
    struct gw_str rest = body;
    for (size_t pairs = 0; rest.ptr != NULL && rest.len > 0; pairs++) {
        if (pairs == SSO_FORM_PAIRS_MAX)
            return gw_fail(err, GW_E_BAD_REQUEST, "the sign-on form has more than %d parameters", SSO_FORM_PAIRS_MAX);
        struct gw_str value = gw_str_split(&rest, '&');
        struct gw_str name = gw_str_split(&value, '=');
        GW_TRY(on_pair(arena, name, value, form, err));
    }
    return GW_OK;
}

enum gw_code sso_form_parse_token(struct gw_arena *arena, struct gw_str body, struct sso_token_form *ret_form,
                                  struct gw_error *err)
{
    struct token_reading reading = {.has_answer = false};
    *ret_form = (struct sso_token_form){.id_token = GW_STR_NONE};
    GW_TRY(read_pairs(arena, body, read_token_pair, &reading, err));
    bool has_answer = reading.has_answer || reading.form.code.len > 0 || reading.form.access_token.len > 0;
    if (reading.form.id_token.ptr == NULL && has_answer)
        return gw_fail(err, GW_E_BAD_REQUEST, "the sign-on form has a code but no id_token");
    *ret_form = reading.form;
    return GW_OK;
}

enum gw_code sso_form_parse(struct gw_arena *arena, struct gw_str body, struct sso_form *ret_form, struct gw_error *err)
{
    struct sso_form form = {0};
    *ret_form = form;
    GW_TRY(read_pairs(arena, body, read_saml_pair, &form, err));
    if (form.saml_response.ptr == NULL || form.saml_response.len == 0)
        return gw_fail(err, GW_E_BAD_REQUEST, "the sign-on form has no SAMLResponse");
    *ret_form = form;
    return GW_OK;
}
