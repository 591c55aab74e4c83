#include "routes/scim/filter_parse.h"

#include "gateway/json/parse.h"
#include "routes/scim/filter_compare.h"

#define NAME_TEXT_MAX 80 /* of a client's name that stands in an error */
#define NAME_STOPS " ()[]\""

enum gw_code scim_scan_refuse(struct scim_filter_scanner *scanner, const char *why)
{
    const char *what = scanner->refusal == GW_E_INVALID_PATH ? "path" : "filter";
    return gw_fail(scanner->err, scanner->refusal, "%s: %s (at character %zu)", what, why, scanner->at + 1);
}

enum gw_code scim_scan_refuse_name(struct scim_filter_scanner *scanner, const char *why, struct gw_str name)
{
    const char *what = scanner->refusal == GW_E_INVALID_PATH ? "path" : "filter";
    size_t len = name.len < NAME_TEXT_MAX ? name.len : NAME_TEXT_MAX;
    return gw_fail(scanner->err, scanner->refusal, "%s: %s '%.*s'", what, why, (int)len, name.ptr);
}

static char peek(const struct scim_filter_scanner *scanner)
{
    return scanner->at < scanner->text.len ? scanner->text.ptr[scanner->at] : '\0';
}

static bool skip_blanks(struct scim_filter_scanner *scanner)
{
    size_t from = scanner->at;
    while (peek(scanner) == ' ')
        scanner->at++;
    return scanner->at > from;
}

static bool take(struct scim_filter_scanner *scanner, char c)
{
    if (peek(scanner) != c || scanner->at >= scanner->text.len)
        return false;
    scanner->at++;
    return true;
}

struct gw_str scim_scan_name(struct scim_filter_scanner *scanner)
{
    size_t from = scanner->at;
    while (scanner->at < scanner->text.len && strchr(NAME_STOPS, scanner->text.ptr[scanner->at]) == NULL)
        scanner->at++;
    return gw_str_n(scanner->text.ptr + from, scanner->at - from);
}

/* A word in any case with a blank or parenthesis behind it; nothing is taken when it is another one. */
static bool take_word(struct scim_filter_scanner *scanner, struct gw_str word)
{
    size_t from = scanner->at;
    (void)skip_blanks(scanner);
    struct gw_str name = scim_scan_name(scanner);
    if (gw_str_eq_nocase(name, word) && (peek(scanner) == ' ' || peek(scanner) == '('))
        return true;
    scanner->at = from;
    return false;
}

static struct scim_filter *filter_new(struct scim_filter_scanner *scanner, enum scim_filter_kind kind)
{
    struct scim_filter *filter = gw_arena_alloc(scanner->arena, sizeof *filter);
    filter->kind = kind;
    return filter;
}

static const struct scim_filter *join(struct scim_filter_scanner *scanner, enum scim_filter_kind kind,
                                      const struct scim_filter **children, size_t count)
{
    if (count == 1 && kind != SCIM_FILTER_NOT && kind != SCIM_FILTER_VALUE_PATH)
        return children[0];
    struct scim_filter *filter = filter_new(scanner, kind);
    filter->children = gw_arena_array(scanner->arena, count, sizeof *children);
    memcpy(filter->children, children, count * sizeof *children);
    filter->child_count = count;
    return filter;
}

/* --- values --- */

static bool scan_string_end(struct scim_filter_scanner *scanner)
{
    scanner->at++;
    while (scanner->at < scanner->text.len && peek(scanner) != '"')
        scanner->at += peek(scanner) == '\\' ? 2 : 1;
    return take(scanner, '"');
}

static enum gw_code scan_literal(struct scim_filter_scanner *scanner, struct json_value **ret_literal)
{
    size_t from = scanner->at;
    if (peek(scanner) == '"') {
        if (!scan_string_end(scanner))
            return scim_scan_refuse(scanner, "a quote is not closed");
    } else {
        (void)scim_scan_name(scanner);
    }
    struct gw_str text = gw_str_n(scanner->text.ptr + from, scanner->at - from);
    struct json_limits limits = {.depth = 1, .values = 1, .string_bytes = SCIM_FILTER_BYTES_MAX, .number_bytes = 32};
    struct json_value *literal;
    struct gw_error why;
    if (json_parse(scanner->arena, text, &limits, &literal, &why) != GW_OK || literal->type == JSON_ARRAY ||
        literal->type == JSON_OBJECT)
        return scim_scan_refuse_name(scanner, "a value must be a string in quotes, a number, true, false or null, not",
                                     text);
    *ret_literal = literal;
    return GW_OK;
}

/* --- names --- */

static bool can_be_filtered(const struct scim_ref *ref)
{
    return ref->attribute != NULL && !ref->attribute->discarded && ref->attribute->returned != SCIM_RETURNED_NEVER;
}

static enum gw_code resolve(struct scim_filter_scanner *scanner, struct gw_str name, struct scim_ref *ret_ref)
{
    *ret_ref = (struct scim_ref){0};
    if (scanner->scope != NULL)
        ret_ref->attribute = scim_sub_find(scanner->scope, name);
    else if (!scim_ref_find(scanner->type, name, ret_ref) && gw_str_eq_nocase(name, GW_STR("email")))
        (void)scim_ref_find(scanner->type, GW_STR("emails"),
                            ret_ref); /* Okta's on-premises agent (scim-clients.md 3.3) */
    if (!can_be_filtered(ret_ref))
        return scim_scan_refuse_name(scanner, "there is no attribute", name);
    return GW_OK;
}

/* --- terms --- */

static bool find_op(struct gw_str word, enum scim_op *ret_op)
{
    static const struct gw_str OPS[] = {
        [SCIM_EQ] = GW_STR_INIT("eq"), [SCIM_NE] = GW_STR_INIT("ne"), [SCIM_CO] = GW_STR_INIT("co"),
        [SCIM_SW] = GW_STR_INIT("sw"), [SCIM_EW] = GW_STR_INIT("ew"), [SCIM_GT] = GW_STR_INIT("gt"),
        [SCIM_GE] = GW_STR_INIT("ge"), [SCIM_LT] = GW_STR_INIT("lt"), [SCIM_LE] = GW_STR_INIT("le"),
    };
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        if (gw_str_eq_nocase(word, OPS[i])) {
            *ret_op = (enum scim_op)i;
            return true;
        }
    }
    return false;
}

/* Behind the name: " pr", or an operator and a value. */
static enum gw_code scan_comparison(struct scim_filter_scanner *scanner, struct scim_ref ref,
                                    const struct scim_filter **ret_filter)
{
    if (++scanner->terms > scanner->terms_max)
        return scim_scan_refuse(scanner, "too many comparisons");
    if (!skip_blanks(scanner))
        return scim_scan_refuse(scanner, "an operator is missing");
    struct gw_str word = scim_scan_name(scanner);
    struct scim_filter *filter = filter_new(scanner, SCIM_FILTER_PRESENT);
    filter->ref = ref;
    *ret_filter = filter;
    if (gw_str_eq_nocase(word, GW_STR("pr")))
        return GW_OK;
    filter->kind = SCIM_FILTER_COMPARE;
    if (!find_op(word, &filter->op))
        return scim_scan_refuse_name(scanner, "there is no operator", word);
    if (!skip_blanks(scanner))
        return scim_scan_refuse(scanner, "a value is missing");
    struct json_value *literal;
    GW_TRY(scan_literal(scanner, &literal));
    filter->literal = literal;
    return scim_filter_bind(scanner, filter);
}

static enum gw_code scan_filter(struct scim_filter_scanner *scanner, const struct scim_filter **ret_filter);

static enum gw_code enter(struct scim_filter_scanner *scanner)
{
    return ++scanner->depth > SCIM_FILTER_DEPTH_MAX ? scim_scan_refuse(scanner, "nested too deeply") : GW_OK;
}

static enum gw_code scan_group(struct scim_filter_scanner *scanner, char close, const struct scim_filter **ret_filter)
{
    scanner->at++;
    GW_TRY(enter(scanner));
    GW_TRY(scan_filter(scanner, ret_filter));
    (void)skip_blanks(scanner);
    if (!take(scanner, close))
        return scim_scan_refuse(scanner, close == ')' ? "a ')' is missing" : "a ']' is missing");
    scanner->depth--;
    return GW_OK;
}

enum gw_code scim_scan_value_filter(struct scim_filter_scanner *scanner, const struct scim_attribute *attribute,
                                    const struct scim_filter **ret_filter)
{
    if (scanner->scope != NULL || attribute->type != SCIM_COMPLEX)
        return scim_scan_refuse(scanner, "brackets are allowed behind a complex attribute only");
    scanner->scope = attribute;
    GW_TRY(scan_group(scanner, ']', ret_filter));
    scanner->scope = NULL;
    return GW_OK;
}

/* attribute[filter], and attribute[filter].sub with a comparison, which means: of one and the same value. */
static enum gw_code scan_value_path(struct scim_filter_scanner *scanner, struct scim_ref ref,
                                    const struct scim_filter **ret_filter)
{
    const struct scim_filter *parts[2] = {NULL, NULL};
    size_t count = 1;
    if (ref.sub != NULL)
        return scim_scan_refuse(scanner, "brackets are allowed behind a complex attribute only");
    GW_TRY(scim_scan_value_filter(scanner, ref.attribute, &parts[0]));
    if (take(scanner, '.')) {
        struct scim_ref sub = {0};
        struct gw_str name = scim_scan_name(scanner);
        sub.attribute = scim_sub_find(ref.attribute, name);
        if (sub.attribute == NULL)
            return scim_scan_refuse_name(scanner, "there is no sub-attribute", name);
        GW_TRY(scan_comparison(scanner, sub, &parts[1]));
        count = 2;
    }
    const struct scim_filter *child = join(scanner, SCIM_FILTER_AND, parts, count);
    struct scim_filter *filter = filter_new(scanner, SCIM_FILTER_VALUE_PATH);
    filter->ref = ref;
    filter->children = gw_arena_array(scanner->arena, 1, sizeof child);
    filter->children[0] = child;
    filter->child_count = 1;
    *ret_filter = filter;
    return GW_OK;
}

static enum gw_code scan_not(struct scim_filter_scanner *scanner, const struct scim_filter **ret_filter)
{
    const struct scim_filter *child;
    (void)skip_blanks(scanner);
    if (peek(scanner) != '(')
        return scim_scan_refuse(scanner, "'not' needs parentheses");
    GW_TRY(scan_group(scanner, ')', &child));
    *ret_filter = join(scanner, SCIM_FILTER_NOT, &child, 1);
    return GW_OK;
}

static enum gw_code scan_term(struct scim_filter_scanner *scanner, const struct scim_filter **ret_filter)
{
    (void)skip_blanks(scanner);
    if (peek(scanner) == '(')
        return scan_group(scanner, ')', ret_filter);
    if (take_word(scanner, GW_STR("not")))
        return scan_not(scanner, ret_filter);
    struct gw_str name = scim_scan_name(scanner);
    if (name.len == 0)
        return scim_scan_refuse(scanner, "an attribute name is missing");
    struct scim_ref ref;
    GW_TRY(resolve(scanner, name, &ref));
    return peek(scanner) == '[' ? scan_value_path(scanner, ref, ret_filter) : scan_comparison(scanner, ref, ret_filter);
}

/* The cap on terms is the cap on operands: every operand has a term. */
static enum gw_code scan_list(struct scim_filter_scanner *scanner, enum scim_filter_kind kind,
                              const struct scim_filter **ret_filter)
{
    const struct scim_filter **children = gw_arena_array(scanner->arena, 2, sizeof *children);
    size_t count = 0;
    size_t capacity = 2;
    struct gw_str word = kind == SCIM_FILTER_OR ? GW_STR("or") : GW_STR("and");
    do {
        if (count == capacity) {
            const struct scim_filter **more = gw_arena_array(scanner->arena, capacity * 2, sizeof *more);
            memcpy(more, children, count * sizeof *more);
            children = more;
            capacity *= 2;
        }
        GW_TRY(kind == SCIM_FILTER_OR ? scan_list(scanner, SCIM_FILTER_AND, &children[count])
                                      : scan_term(scanner, &children[count]));
        count++;
    } while (take_word(scanner, word));
    *ret_filter = join(scanner, kind, children, count);
    return GW_OK;
}

static enum gw_code scan_filter(struct scim_filter_scanner *scanner, const struct scim_filter **ret_filter)
{
    return scan_list(scanner, SCIM_FILTER_OR, ret_filter);
}

enum gw_code scim_filter_parse(struct gw_arena *arena, const struct scim_resource_type *type, struct gw_str text,
                               const struct scim_filter **ret_filter, struct gw_error *err)
{
    struct scim_filter_scanner scanner = {.arena = arena,
                                          .type = type,
                                          .text = text,
                                          .terms_max = SCIM_FILTER_TERMS_MAX,
                                          .refusal = GW_E_INVALID_FILTER,
                                          .err = err};
    const struct scim_filter *filter;
    if (text.len > SCIM_FILTER_BYTES_MAX)
        return scim_scan_refuse(&scanner, "too long");
    if (memchr(text.len > 0 ? text.ptr : "", '\0', text.len) != NULL)
        return scim_scan_refuse(&scanner, "a NUL character");
    GW_TRY(scan_filter(&scanner, &filter));
    (void)skip_blanks(&scanner);
    if (scanner.at < text.len)
        return scim_scan_refuse(&scanner, "something stands behind the end");
    *ret_filter = filter;
    return GW_OK;
}
