#include "config/config.h"
#include "config/keys.h"
#include "config/validate.h"

#include "gateway/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum gw_code read_all(int fd, const char *path, struct gw_buf *buf, struct gw_error *err)
{
    for (;;) {
        char *room = gw_buf_reserve(buf, 4096);
        if (room == NULL)
            return gw_fail(err, GW_E_CONFIG, "%s:1:1: file: larger than %u bytes", path, CONFIG_FILE_BYTES_MAX);
        ssize_t got = read(fd, room, 4096);
        if (got == 0)
            return GW_OK;
        if (got < 0 && errno != EINTR)
            return gw_fail(err, GW_E_CONFIG, "%s:1:1: file: cannot be read: %s", path, strerror(errno));
        if (got > 0)
            gw_buf_advance(buf, (size_t)got);
    }
}

static enum gw_code read_file(const char *path, struct gw_buf *buf, struct gw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gw_fail(err, GW_E_CONFIG, "%s:1:1: file: cannot be read: %s", path, strerror(errno));
    enum gw_code code = read_all(fd, path, buf, err);
    (void)close(fd);
    return code;
}

static struct gw_str folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return GW_STR_NONE;
    return slash == path ? GW_STR("/.") : gw_str_n(path, (size_t)(slash - path));
}

static enum gw_code load(struct config *config, struct gw_str text, struct gw_error *err)
{
    if (text.len > CONFIG_FILE_BYTES_MAX)
        return gw_fail(err, GW_E_CONFIG, "%s:1:1: file: larger than %u bytes", config->path, CONFIG_FILE_BYTES_MAX);
    struct config_reader reader = {
        .file = config->path, .folder = folder_of(config->path), .arena = &config->arena, .err = err};
    struct config_node *root = NULL;
    GW_TRY(config_node_parse(&config->arena, config->path, text, &root, err));
    GW_TRY(config_mapping_read(&reader, &config_top_mapping, root, config));
    config->root = root;
    return config_validate(&reader, root, config);
}

enum gw_code config_load(const char *path, struct gw_str text, struct config **ret_config, struct gw_error *err)
{
    GW_BUF_SCOPED(buf, CONFIG_FILE_BYTES_MAX + 4096);
    if (text.ptr == NULL) {
        GW_TRY(read_file(path, &buf, err));
        text = gw_buf_str(&buf);
    }
    struct config *config = gw_alloc(sizeof *config);
    gw_arena_init(&config->arena);
    atomic_init(&config->references, 1);
    config->path = gw_arena_cstr(&config->arena, gw_str_from(path));
    config->text = gw_arena_copy(&config->arena, text);
    enum gw_code code = load(config, config->text, err);
    if (code != GW_OK) {
        config_unref(config);
        return code;
    }
    *ret_config = config;
    return GW_OK;
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config)
{
    if (config == NULL || atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) != 1)
        return;
    gw_arena_done(&config->arena);
    free(config);
}

struct gw_str config_where(const struct config *config, struct gw_arena *arena, const char *key)
{
    const struct config_node *node = config_node_find(config->root, key);
    return gw_arena_printf(arena, "%s:%d:%d: %s", config->path, node != NULL ? node->line : 1,
                           node != NULL ? node->column : 1, key);
}
