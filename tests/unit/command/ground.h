/* ground: a configuration and a store in a temporary folder, commands run as the program runs them, and what they
 * wrote. Header only: each test program has its own. */
#pragma once

#include "tests/unit/store/fixture.h"

#include "gateway/command/command.h"

#include <fcntl.h>
#include <sys/stat.h>

#define GROUND_WORDS_MAX 24

struct ground {
    char *folder;
    const char *config;
    struct fixture f; /* the store, open only between ground_open and ground_close */
    struct gw_str out;
    struct gw_str err;
    struct gw_arena arena;
};

static inline void ground_write(const char *path, struct gw_str text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

static inline struct gw_str ground_read(struct ground *g, const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct stat info;
    assert_int_equal(fstat(fileno(file), &info), 0);
    char *text = gw_arena_alloc(&g->arena, (size_t)info.st_size + 1);
    assert_int_equal(fread(text, 1, (size_t)info.st_size, file), info.st_size);
    assert_int_equal(fclose(file), 0);
    return gw_str_n(text, (size_t)info.st_size);
}

static inline const char *ground_path(struct ground *g, const char *name)
{
    return gw_arena_printf(&g->arena, "%s/%s", g->folder, name).ptr;
}

/* The store, for what a test prepares or looks at; no command may run meanwhile (one open per process). */
static inline void ground_open(struct ground *g)
{
    fixture_open(&g->f);
}

static inline void ground_close(struct ground *g)
{
    fixture_close(&g->f);
}

static inline void ground_configure(struct ground *g, const char *store)
{
    struct gw_str text = gw_arena_printf(
        &g->arena,
        "store:\n  path: %s/%s\n  max_size: 256MiB\n"
        "prov:\n  listen:\n    - address: 127.0.0.1:8443\n"
        "apps:\n"
        "  - name: wiki\n    folder: staff\n"
        "    prov:\n      hosts: [prov.wiki.test]\n      tokens_file: wiki-tokens\n"
        "  - name: strict\n    folder: guests\n"
        "    prov:\n      hosts: [prov.strict.test]\n      tokens_file: strict-tokens\n"
        "      policy: {match: [userName, email], adopt: off, revive: off, retain: 30d, after_retention: delete}\n",
        g->folder, store);
    ground_write(g->config, text);
}

static inline void ground_init(struct ground *g)
{
    *g = (struct ground){.folder = unit_folder_new()};
    g->config = ground_path(g, "provgate.yaml");
    ground_configure(g, "store");
    g->f = (struct fixture){
        .path = (char *)(uintptr_t)ground_path(g, "store"), .max_bytes = 256ull << 20, .now_ms = FIXTURE_START_MS};
    assert_ok(store_create(g->f.path, g->f.max_bytes, &g->f.err), &g->f.err);
}

/* Every test ends with the full scan. */
static inline void ground_done(struct ground *g)
{
    ground_open(g);
    assert_ok(store_check(g->f.store, NULL, NULL, &g->f.err), &g->f.err);
    ground_close(g);
    gw_arena_done(&g->f.arena);
    gw_arena_done(&g->arena);
    unit_folder_remove(g->folder);
}

static inline int ground_divert(int fd, const char *path)
{
    int kept = dup(fd);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && file >= 0);
    assert_int_equal(dup2(file, fd), fd);
    assert_int_equal(close(file), 0);
    return kept;
}

static inline void ground_restore(int fd, int kept)
{
    assert_int_equal(dup2(kept, fd), fd);
    assert_int_equal(close(kept), 0);
}

/* "words" are parted by single blanks; '~' in a word stands for a blank. --config is added. Returns the status. */
static inline int ground_run(struct ground *g, const struct command *command, const char *words)
{
    char *argv[GROUND_WORDS_MAX + 1] = {NULL};
    int argc = 0;
    struct gw_str rest = gw_arena_printf(&g->arena, "%s %s --config %s", command->name, words, g->config);
    while (rest.ptr != NULL) {
        assert_true(argc < GROUND_WORDS_MAX);
        struct gw_str word = gw_str_split(&rest, ' ');
        if (word.len == 0)
            continue;
        argv[argc] = (char *)(uintptr_t)gw_arena_cstr(&g->arena, word);
        for (char *c = argv[argc]; *c != '\0'; c++)
            *c = *c == '~' ? ' ' : *c;
        argc++;
    }
    (void)fflush(stdout);
    (void)fflush(stderr);
    int out = ground_divert(1, ground_path(g, "out"));
    int err = ground_divert(2, ground_path(g, "err"));
    int status = command->run(command, argc, argv);
    (void)fflush(stdout);
    (void)fflush(stderr);
    ground_restore(1, out);
    ground_restore(2, err);
    g->out = ground_read(g, ground_path(g, "out"));
    g->err = ground_read(g, ground_path(g, "err"));
    return status;
}

static inline bool ground_has(struct gw_str text, const char *part)
{
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}
#define assert_has(text, part)                                                                                         \
    do {                                                                                                               \
        if (!ground_has((text), (part)))                                                                               \
            fail_msg("no \"%s\" in \"%.*s\"", (part), GW_STR_ARG(text));                                               \
    } while (0)
#define assert_run(g, command, words, expected)                                                                        \
    do {                                                                                                               \
        int run_status_ = ground_run((g), (command), (words));                                                         \
        if (run_status_ != (expected))                                                                                 \
            fail_msg("status %d: %.*s%.*s", run_status_, GW_STR_ARG((g)->out), GW_STR_ARG((g)->err));                  \
    } while (0)

#define ground_test(name)                                                                                              \
    static void name##_body(struct ground *g);                                                                         \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        struct ground ground;                                                                                          \
        (void)state;                                                                                                   \
        ground_init(&ground);                                                                                          \
        name##_body(&ground);                                                                                          \
        ground_done(&ground);                                                                                          \
    }                                                                                                                  \
    static void name##_body(struct ground *g)
