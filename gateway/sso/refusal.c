#include "gateway/sso/refusal.h"

#include "gateway/base/arena.h"
#include "gateway/json/write.h"

#include <stdio.h>

#define POLICY "default-src 'none'; style-src 'unsafe-inline'"
/* Pictures of its own in the page, and still no script: it is served from the app's origin. */
#define OWN_POLICY POLICY "; img-src data:; font-src data:"

struct refusal_row {
    const char *name;
    int status;
    bool offers_sign_in;
    const char *title;
    const char *sentence;
};

static const struct refusal_row refusal_table[SSO_REFUSAL_COUNT] = {
    [SSO_REFUSAL_INACTIVE] = {"inactive", 403, false, "Your access has ended",
                              "Your account has no access to this application. Please ask your administrator."},
    [SSO_REFUSAL_ENDED] = {"ended", 403, false, "Your session has ended",
                           "This session was ended, but your account is active. Please open the application again from "
                           "the dashboard of your identity provider: that signs you in."},
    [SSO_REFUSAL_TWO_USERS] = {"two_users", 403, false, "Two sessions at once",
                               "Your browser sent the sessions of two people. Please delete the cookies of this site."},
    [SSO_REFUSAL_AMBIGUOUS] = {"ambiguous", 400, false, "Unclear session",
                               "The session cookie can be read in two ways. Please delete the cookies of this site."},
    [SSO_REFUSAL_UNBOUND] = {"unbound", 403, false, "Unknown session",
                             "This session is not known here. Please delete the cookies of this site and sign in."},
    [SSO_REFUSAL_SIGN_IN_AGAIN] = {"sign_in_again", 401, true, "Please sign in", "Please sign in again."},
    [SSO_REFUSAL_UNDECIDED] = {"undecided", 503, false, "Not available",
                               "Your access cannot be checked at the moment. Please try again shortly."},
    [SSO_REFUSAL_ACS_REQUEST] = {"acs_request", 400, true, "The sign-in did not work",
                                 "The sign-in request is not in the form that is accepted here."},
    [SSO_REFUSAL_TOO_LARGE] = {"too_large", 413, true, "The sign-in did not work", "The sign-in request is too large."},
    [SSO_REFUSAL_ASSERTION] = {"assertion", 403, true, "The sign-in did not work",
                               "The answer of the identity provider was not accepted."},
    [SSO_REFUSAL_EXPIRED] = {"expired", 403, true, "The sign-in took too long",
                             "The answer of the identity provider is not valid at this time. Please sign in again."},
    [SSO_REFUSAL_UNKNOWN_KEY] = {"unknown_key", 403, false, "The sign-in did not work",
                                 "The identity provider signs with a key that is not known here. Please tell your "
                                 "administrator."},
    [SSO_REFUSAL_REPLAYED] = {"replayed", 403, true, "This sign-in was already used",
                              "An answer of the identity provider can be used once. Please sign in again."},
    [SSO_REFUSAL_ROLE] = {"role", 403, false, "Not for your role",
                          "Your account has no access to this part of the application. Please ask your administrator."},
    [SSO_REFUSAL_NO_USER] = {"no_user", 403, false, "No account here",
                             "There is no account for you in this application. Please ask your administrator."},
    [SSO_REFUSAL_HOST] = {"host", 421, false, "Not here", "This address is not served here."},
};

const char *sso_refusal_name(enum sso_refusal refusal)
{
    return refusal_table[refusal].name;
}

int sso_refusal_status(enum sso_refusal refusal)
{
    return refusal_table[refusal].status;
}

static bool contains_nocase(struct gw_str text, struct gw_str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (gw_str_eq_nocase(gw_str_n(text.ptr + i, part.len), part))
            return true;
    }
    return false;
}

bool sso_request_is_navigation(const struct http_request *request)
{
    struct gw_str mode = http_request_field(request, GW_STR("Sec-Fetch-Mode"));
    if (request->is_upgrade || !gw_str_eq(request->method, GW_STR("GET")))
        return false;
    if (mode.ptr != NULL)
        return gw_str_eq_nocase(mode, GW_STR("navigate"));
    return contains_nocase(http_request_field(request, GW_STR("Accept")), GW_STR("text/html"));
}

bool sso_request_wants_json(const struct http_request *request)
{
    struct gw_str accept = http_request_field(request, GW_STR("Accept"));
    if (contains_nocase(accept, GW_STR("text/html")))
        return false;
    if (contains_nocase(accept, GW_STR("json")))
        return true;
    return gw_str_eq_nocase(http_request_field(request, GW_STR("Sec-Fetch-Dest")), GW_STR("empty")) ||
           http_request_field(request, GW_STR("X-Requested-With")).ptr != NULL;
}

void sso_html_escape(struct gw_buf *buf, struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        switch (c) {
        case '&':
            gw_buf_add_lit(buf, "&amp;");
            break;
        case '<':
            gw_buf_add_lit(buf, "&lt;");
            break;
        case '>':
            gw_buf_add_lit(buf, "&gt;");
            break;
        case '"':
            gw_buf_add_lit(buf, "&quot;");
            break;
        case '\'':
            gw_buf_add_lit(buf, "&#39;");
            break;
        default:
            gw_buf_add_byte(buf, c);
        }
    }
}

/* One shape for all; the style is in the page because nothing else of provgate can be reached from here. */
struct page {
    const char *error; /* short name for JSON */
    struct gw_str title;
    struct gw_str sentence;
    struct sso_refusal_text text;
};

static void json_page_write(struct gw_buf *buf, const struct page *page)
{
    gw_buf_printf(buf, "{\"error\":\"%s\",\"message\":\"", page->error);
    json_write_bytes(buf, page->sentence, SIZE_MAX);
    gw_buf_add_lit(buf, "\"");
    if (page->text.reference.len > 0) {
        gw_buf_add_lit(buf, ",\"reference\":\"");
        json_write_bytes(buf, page->text.reference, SIZE_MAX);
        gw_buf_add_lit(buf, "\"");
    }
    if (page->text.contact.len > 0) {
        gw_buf_add_lit(buf, ",\"contact\":");
        json_write_string(buf, page->text.contact);
    }
    gw_buf_add_lit(buf, "}\n");
}

static void html_page_write(struct gw_buf *buf, const struct page *page)
{
    gw_buf_add_lit(buf, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                        "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    sso_html_escape(buf, page->title);
    gw_buf_add_lit(buf, "</title><style>body{font:16px/1.5 sans-serif;max-width:34em;margin:15vh auto;padding:0 1em}"
                        "small{color:#666}</style></head>\n<body><h1>");
    sso_html_escape(buf, page->title);
    gw_buf_add_lit(buf, "</h1>\n<p>");
    sso_html_escape(buf, page->sentence);
    gw_buf_add_lit(buf, "</p>\n");
    if (page->text.contact.len > 0) {
        gw_buf_add_lit(buf, "<p>");
        sso_html_escape(buf, page->text.contact);
        gw_buf_add_lit(buf, "</p>\n");
    }
    if (page->text.again_url.len > 0) {
        gw_buf_add_lit(buf, "<p><a href=\"");
        sso_html_escape(buf, page->text.again_url);
        gw_buf_add_lit(buf, "\">Sign in again</a></p>\n");
    }
    if (page->text.reference.len > 0) {
        gw_buf_add_lit(buf, "<p><small>");
        sso_html_escape(buf, page->text.app);
        gw_buf_add_lit(buf, " Reference: ");
        sso_html_escape(buf, page->text.reference);
        gw_buf_add_lit(buf, "</small></p>\n");
    }
    gw_buf_add_lit(buf, "</body></html>\n");
}

void sso_refusal_write(struct gw_buf *buf, enum sso_refusal refusal, bool json, const struct sso_refusal_text *text)
{
    const struct refusal_row *row = &refusal_table[refusal];
    struct page page = {row->name, gw_str_from(row->title), gw_str_from(row->sentence), *text};
    if (!row->offers_sign_in)
        page.text.again_url = GW_STR_NONE;
    if (json)
        json_page_write(buf, &page);
    else
        html_page_write(buf, &page);
}

void sso_error_write(struct gw_buf *buf, int status, bool json, struct gw_str sentence, struct gw_str reference)
{
    char title[64];
    (void)snprintf(title, sizeof title, "%d %s", status, http_status_reason(status));
    struct page page = {"http", gw_str_from(title), sentence, {.reference = reference}};
    if (json)
        json_page_write(buf, &page);
    else
        html_page_write(buf, &page);
}

/* What stands for the placeholder at the beginning of `rest`, and its length; 0: there is none. */
static size_t placeholder_at(struct gw_str rest, const struct refusal_row *row, const struct sso_refusal_text *text,
                             struct gw_str *ret_value)
{
    const struct {
        struct gw_str name;
        struct gw_str value;
    } table[] = {{GW_STR("{{title}}"), gw_str_from(row->title)},
                 {GW_STR("{{reason}}"), gw_str_from(row->sentence)},
                 {GW_STR("{{reference}}"), text->reference},
                 {GW_STR("{{app}}"), text->app},
                 {GW_STR("{{contact}}"), text->contact}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (gw_str_starts(rest, table[i].name)) {
            *ret_value = table[i].value;
            return table[i].name.len;
        }
    }
    return 0;
}

/* Once, from front to back: what is filled in is never looked at again. */
void sso_refusal_page_fill(struct gw_buf *buf, enum sso_refusal refusal, const struct sso_refusal_text *text)
{
    struct gw_str rest = text->page;
    while (rest.len > 0 && !buf->overflow) {
        ptrdiff_t brace = gw_str_find(rest, '{');
        gw_buf_add(buf, gw_str_n(rest.ptr, brace < 0 ? rest.len : (size_t)brace));
        if (brace < 0)
            return;
        struct gw_str value;
        rest = gw_str_from_pos(rest, (size_t)brace);
        size_t len = placeholder_at(rest, &refusal_table[refusal], text, &value);
        if (len > 0)
            sso_html_escape(buf, value);
        else
            gw_buf_add_byte(buf, '{');
        rest = gw_str_from_pos(rest, len > 0 ? len : 1);
    }
}

/* False: there is no own page, or it came out too large. */
static bool own_page_write(struct gw_buf *body, enum sso_refusal refusal, const struct sso_refusal_text *text)
{
    if (text->page.len == 0)
        return false;
    sso_refusal_page_fill(body, refusal, text);
    if (!body->overflow)
        return true;
    gw_buf_clear(body);
    return false;
}

void sso_refusal_answer(struct http_exchange *x, enum sso_refusal refusal, const struct sso_refusal_text *text)
{
    bool json = sso_request_wants_json(&x->request);
    GW_BUF_SCOPED(body, SSO_REFUSAL_PAGE_BYTES_MAX);
    bool is_own = !json && own_page_write(&body, refusal, text);
    if (!is_own)
        sso_refusal_write(&body, refusal, json, text);
    const struct http_field fields[] = {
        {GW_STR("Content-Type"), json ? GW_STR("application/json") : GW_STR("text/html; charset=utf-8")},
        {GW_STR("Cache-Control"), GW_STR("no-store")},
        {GW_STR("X-Content-Type-Options"), GW_STR("nosniff")},
        {GW_STR("Content-Security-Policy"), is_own ? GW_STR(OWN_POLICY) : GW_STR(POLICY)},
        {GW_STR("Retry-After"), GW_STR("5")},
    };
    size_t count = sizeof fields / sizeof fields[0];
    if (sso_refusal_status(refusal) != 503)
        count--;
    http_exchange_answer(x, sso_refusal_status(refusal), fields, count, gw_buf_str(&body));
}
