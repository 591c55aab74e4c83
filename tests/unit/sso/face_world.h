/* face_world: the whole SSO face on a loop in its own thread, over a real store, between a raw browser and a raw app
 * that the test plays itself from its own thread. Header only: each test program has its own. */
#pragma once

#include "tests/unit/http/http_lab.h"
#include "tests/unit/saml/saml_forge.h"
#include "tests/unit/store/fixture.h"

#include "gateway/sso/face.h"

#include <ctype.h>
#include <openssl/evp.h>

struct world {
    struct fixture store;
    struct lab lab; /* sockets, loop and thread; its own face is not used */
    struct config *config;
    struct sso_shared *shared;
    struct sso_face *face;
    struct forge_idp idp;
    int app; /* the gateway's connection to the app; -1: none yet */
    unsigned assertions;
    bool is_halted;
    char dropped[400 * 1024]; /* bodies that reach the app */
    char access_log[1400];    /* more keys of `sso:` at the top, whole lines; empty: none */
};

struct reply {
    int status;
    char head[16384];
    char body[16384];
};

static inline void world_write_certificate(struct world *w, char path[1200])
{
    (void)snprintf(path, 1200, "%s.idp.pem", w->store.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fwrite(w->idp.certificate_pem.ptr, 1, w->idp.certificate_pem.len, file);
    assert_int_equal(fclose(file), 0);
}

/* `keys`: more keys of the SSO face, each a line of six blanks, key and value. */
static inline void world_load_config(struct world *w, const char *gate, const char *keys)
{
    char certificate[1200], text[8192];
    world_write_certificate(w, certificate);
    (void)snprintf(text, sizeof text,
                   "store: {path: %s}\n"
                   "sso:\n  listen:\n    - address: 127.0.0.1:1\n%s"
                   "prov:\n  listen:\n    - address: 127.0.0.1:2\n"
                   "apps:\n  - name: wiki\n    folder: staff\n    sso:\n"
                   "      hosts: [wiki.example.com]\n      external_url: https://wiki.example.com\n"
                   "      upstream: \"http://127.0.0.1:%u\"\n      session_cookies: [sid]\n"
                   "      forwarded: {port: off}\n"
                   "      identity:\n        - saml: {acs: [/saml/acs], idp_certificates: [\"%s\"], "
                   "idp_entity: \"" FORGE_ENTITY "\", audience: \"" FORGE_AUDIENCE "\", gate: %s}\n%s",
                   w->store.path, w->access_log, w->lab.upstream_port, certificate, gate, keys);
    enum gw_code code = config_load("world.yaml", gw_str_from(text), &w->config, &w->store.err);
    assert_ok(code, &w->store.err);
}

static inline void world_start(struct world *w, const char *gate, const char *keys)
{
    struct gw_error *err = &w->store.err;
    fixture_init(&w->store);
    w->store.now_ms = FORGE_NOW_MS;
    gw_clock_freeze_wall(FORGE_NOW_MS);
    assert_ok(saml_library_init(err), err);
    w->idp = forge_idp_new(&w->store.arena, 2048);
    w->app = -1;
    w->is_halted = false;
    lab_init(&w->lab);
    world_load_config(w, gate, keys);
    assert_ok(sso_shared_new(w->config, w->store.store, w->store.writer, &w->shared, err), err);
    assert_ok(sso_face_new(w->shared, w->lab.loop, &w->face, err), err);
    struct http_listener_settings settings = {
        .fd = w->lab.gateway_fd, .face = &sso_http_face, .face_data = w->face, .limits = http_limits_default};
    assert_ok(http_listener_start(w->lab.loop, &settings, err), err);
    assert_int_equal(pthread_create(&w->lab.thread, NULL, lab_run, &w->lab), 0);
}

/* The loop ends, as at the end of a process; what the face holds is handed to the writer. */
static inline void world_halt(struct world *w)
{
    if (w->is_halted)
        return;
    w->is_halted = true;
    net_loop_stop(w->lab.loop, 0);
    assert_int_equal(pthread_join(w->lab.thread, NULL), 0);
    sso_face_flush(w->face);
}

static inline void world_stop(struct world *w)
{
    char certificate[1200];
    (void)snprintf(certificate, sizeof certificate, "%s.idp.pem", w->store.path);
    world_halt(w);
    assert_ok(store_check(w->store.store, NULL, NULL, &w->store.err), &w->store.err);
    store_reader_free(w->store.reader);
    store_writer_free(w->store.writer);
    sso_face_free(w->face);
    net_loop_free(w->lab.loop);
    sso_shared_free(w->shared);
    store_close(w->store.store);
    config_unref(w->config);
    (void)close(w->lab.gateway_fd);
    (void)close(w->lab.upstream_fd);
    if (w->app >= 0)
        (void)close(w->app);
    EVP_PKEY_free(w->idp.key);
    (void)unlink(certificate);
    gw_arena_done(&w->store.arena);
    unit_folder_remove(w->store.path);
    gw_clock_freeze_wall(0);
}

/* ---- the browser ---- */

static inline void read_body(int fd, const char *head, char *body, size_t size)
{
    const char *length = strcasestr(head, "\r\nContent-Length:");
    size_t want = length != NULL ? strtoul(length + 17, NULL, 10) : 0, got = 0;
    assert_true(want < size);
    while (got < want) {
        ssize_t len = recv(fd, body + got, want - got, 0);
        assert_true(len > 0);
        got += (size_t)len;
    }
    body[got] = '\0';
}

static inline struct reply *world_reply(struct world *w, int client)
{
    struct reply *reply = gw_arena_alloc(&w->store.arena, sizeof *reply);
    lab_read_head(client, reply->head, sizeof reply->head);
    if (sscanf(reply->head, "HTTP/1.1 %d ", &reply->status) != 1)
        fail_msg("no answer: \"%s\"", reply->head);
    read_body(client, reply->head, reply->body, sizeof reply->body);
    return reply;
}

#define HOST "Host: wiki.example.com\r\n"

static inline void world_get(int client, const char *path, const char *fields)
{
    char text[8192];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "%s\r\n", path, fields);
    lab_send(client, text);
}

static inline const char *url_encoded(struct gw_arena *arena, const unsigned char *text)
{
    char *dst = gw_arena_alloc(arena, 3 * strlen((const char *)text) + 1), *at = dst;
    for (; *text != '\0'; text++)
        at += isalnum(*text) ? sprintf(at, "%c", *text) : sprintf(at, "%%%02X", *text);
    return dst;
}

static inline const char *form_of(struct world *w, struct gw_str xml)
{
    struct gw_arena *arena = &w->store.arena;
    assert_non_null(xml.ptr);
    unsigned char *base64 = gw_arena_alloc(arena, xml.len / 3 * 4 + 8);
    (void)EVP_EncodeBlock(base64, (const unsigned char *)xml.ptr, (int)xml.len);
    return gw_arena_printf(arena, "SAMLResponse=%s&RelayState=%%2Fx", url_encoded(arena, base64)).ptr;
}

static inline struct forge world_forge(struct world *w, const char *user)
{
    struct gw_arena *arena = &w->store.arena;
    struct forge forge = forge_plain(&w->idp);
    forge.assertion_id = gw_arena_printf(arena, "a%u", ++w->assertions).ptr;
    forge.response_id = gw_arena_printf(arena, "r%u", w->assertions).ptr;
    forge.subject = gw_arena_printf(arena, FORGE_NAME_ID("%s") FORGE_CONFIRMATION, user).ptr;
    return forge;
}

/* The body of a right sign-on of `user`. */
static inline const char *world_sign_on_form(struct world *w, const char *user)
{
    struct forge forge = world_forge(w, user);
    return form_of(w, forge_make(&w->store.arena, &forge));
}

static inline void world_post(struct world *w, int client, const char *path, const char *fields, const char *form)
{
    lab_send(client,
             gw_arena_printf(&w->store.arena,
                             "POST %s HTTP/1.1\r\n" HOST
                             "Content-Type: application/x-www-form-urlencoded\r\n%sContent-Length: %zu\r\n\r\n%s",
                             path, fields, strlen(form), form)
                 .ptr);
}

/* ---- the app ---- */

/* The next request that reaches the app: its head; the body is read and dropped. */
static inline const char *world_app_request(struct world *w)
{
    char *head = gw_arena_alloc(&w->store.arena, 16384);
    for (;;) {
        if (w->app < 0)
            w->app = lab_accept(&w->lab);
        lab_read_head(w->app, head, 16384);
        if (head[0] != '\0')
            break;
        (void)close(w->app);
        w->app = -1;
    }
    read_body(w->app, head, w->dropped, sizeof w->dropped);
    return head;
}

static inline void world_app_answers(struct world *w, const char *status, const char *fields, const char *body)
{
    char text[8192];
    (void)snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, fields, strlen(body),
                   body);
    lab_send(w->app, text);
}

/* Nothing has reached the app; asked after the browser had its answer. */
static inline void world_app_saw_nothing(struct world *w)
{
    assert_false(lab_has_connection(&w->lab));
    char byte;
    if (w->app >= 0 && recv(w->app, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        fail_msg("a request reached the app");
}

/* ---- both ---- */

/* One request that is expected to reach the app, and its answer. */
static inline struct reply *world_visit(struct world *w, int client, const char *path, const char *fields,
                                        const char *set_cookies)
{
    world_get(client, path, fields);
    (void)world_app_request(w);
    world_app_answers(w, "200 OK", set_cookies, "page");
    return world_reply(w, client);
}

/* One request that is expected to be refused. */
static inline struct reply *world_refused(struct world *w, int client, const char *path, const char *fields)
{
    world_get(client, path, fields);
    struct reply *reply = world_reply(w, client);
    world_app_saw_nothing(w);
    assert_null(strcasestr(reply->head, "\r\nSet-Cookie:"));
    return reply;
}

static inline struct reply *world_sign_on(struct world *w, int client, const char *user, const char *fields,
                                          const char *set_cookies)
{
    world_post(w, client, "/saml/acs", fields, world_sign_on_form(w, user));
    (void)world_app_request(w);
    world_app_answers(w, "303 See Other", set_cookies, "");
    return world_reply(w, client);
}

/* ---- the provisioning side ---- */

/* What the face has handed to the writer so far is committed. A folder that is there would need no write. */
static inline void world_settle(struct world *w)
{
    static unsigned count;
    uint32_t folder;
    char name[32];
    (void)snprintf(name, sizeof name, "barrier %u", count++);
    assert_ok(store_folder_ensure(w->store.writer, gw_str_from(name), &folder, &w->store.err), &w->store.err);
}

static inline void world_set_active(struct world *w, const char *user, bool active)
{
    struct fixture *f = &w->store;
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, user);
    assert_true(seq != 0);
    struct store_user stored = fixture_user(f, seq);
    struct store_user_draft draft = fixture_draft(user, "00u1", active);
    assert_ok(fixture_replace(f, seq, stored.version, draft).code, &f->err);
}
