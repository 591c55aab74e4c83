#include "gateway/upgrade.h"

#include "gateway/base/buf.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "PROVGATE_UPGRADE_FD"
#define FIRST_LINE "provgate-upgrade 1"
#define TEXT_BYTES_MAX (64u * 1024)

/* --- the old program -------------------------------------------------------------------------------------------- */

static void write_state(struct gw_buf *buf, const struct ground *ground, const struct upgrade_child *children,
                        size_t child_count)
{
    gw_buf_printf(buf, "%s\nhandover %d %zu\n", FIRST_LINE, ground->handover_fd, sizeof(struct sso_handover));
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (ground->role_fds[i] >= 0)
            gw_buf_printf(buf, "role %s %d\n", child_name((enum child_kind)i), ground->role_fds[i]);
    }
    for (size_t i = 0; i < ground->sockets.count; i++) {
        const struct socket_entry *entry = &ground->sockets.list[i];
        gw_buf_printf(buf, "socket %s %d %s\n", socket_use_name(entry->use), entry->fd, entry->address);
    }
    for (size_t i = 0; i < child_count; i++)
        gw_buf_printf(buf, "child %s %d %s %u\n", child_name(children[i].kind), (int)children[i].pid,
                      children[i].is_serving ? "serving" : "retiring", children[i].crew);
}

static void keep_over_exec(const struct ground *ground, int state_fd, bool is_kept)
{
    int flag = is_kept ? 0 : FD_CLOEXEC;
    (void)fcntl(state_fd, F_SETFD, flag);
    (void)fcntl(ground->handover_fd, F_SETFD, flag);
    for (size_t i = 0; i < CHILD_KINDS; i++) {
        if (ground->role_fds[i] >= 0)
            (void)fcntl(ground->role_fds[i], F_SETFD, flag);
    }
    for (size_t i = 0; i < ground->sockets.count; i++)
        (void)fcntl(ground->sockets.list[i].fd, F_SETFD, flag);
}

void upgrade_execute(const char *program, const struct ground *ground, const struct upgrade_child *children,
                     size_t child_count, struct gw_error *err)
{
    char number[16];
    char *arguments[] = {(char *)(uintptr_t) "provgate", (char *)(uintptr_t) "run", (char *)(uintptr_t) "--config",
                         (char *)(uintptr_t)ground->config_path, NULL};
    GW_BUF_SCOPED(buf, TEXT_BYTES_MAX);
    write_state(&buf, ground, children, child_count);
    int fd = descriptor_memory("provgate-upgrade", 0);
    struct gw_str text = gw_buf_str(&buf);
    if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len) {
        (void)gw_fail(err, GW_E_INTERNAL, "cannot write down what is handed over: %s", strerror(errno));
    } else {
        (void)snprintf(number, sizeof number, "%d", fd);
        (void)setenv(VARIABLE, number, 1);
        keep_over_exec(ground, fd, true);
        (void)execv(program, arguments);
        (void)gw_fail(err, GW_E_INTERNAL, "cannot execute %s: %s", program, strerror(errno));
        keep_over_exec(ground, fd, false);
        (void)unsetenv(VARIABLE);
    }
    if (fd >= 0)
        (void)close(fd);
}

/* --- the new program -------------------------------------------------------------------------------------------- */

struct taking {
    struct ground *ground;
    struct upgrade_child *children;
    size_t child_count;
};

static bool read_fd(struct gw_str word, int *ret_fd)
{
    uint64_t number = 0;
    if (!gw_str_to_u64(word, INT16_MAX, &number) || fcntl((int)number, F_GETFD) < 0)
        return false;
    *ret_fd = (int)number;
    (void)fcntl(*ret_fd, F_SETFD, FD_CLOEXEC);
    return true;
}

static bool read_kind(struct gw_str word, enum child_kind *ret_kind)
{
    *ret_kind = gw_str_eq(word, GW_STR("sso")) ? CHILD_SSO : CHILD_PROV;
    return *ret_kind == CHILD_SSO || gw_str_eq(word, GW_STR("prov"));
}

static void take_socket(struct taking *taking, struct gw_str use, struct gw_str number, struct gw_str address)
{
    int fd = -1;
    GW_ARENA_SCOPED(arena);
    for (int i = SOCKET_SSO; i <= SOCKET_ADMIN; i++) {
        if (gw_str_eq(use, gw_str_from(socket_use_name((enum socket_use)i))) && read_fd(number, &fd) &&
            !sockets_add(&taking->ground->sockets, (enum socket_use)i, gw_arena_cstr(&arena, address), fd))
            (void)close(fd);
    }
}

static void take_handover(struct taking *taking, struct gw_str number, struct gw_str size)
{
    int fd = -1;
    uint64_t bytes = 0;
    if (!read_fd(number, &fd))
        return;
    if (gw_str_to_u64(size, UINT32_MAX, &bytes) && bytes == sizeof(struct sso_handover))
        taking->ground->handover_fd = fd;
    else
        (void)close(fd);
}

static void take_child(struct taking *taking, struct gw_str kind, struct gw_str pid, struct gw_str rest)
{
    struct upgrade_child child = {.pid = 0};
    uint64_t number = 0;
    uint64_t crew = 0;
    struct gw_str state = gw_str_split(&rest, ' ');
    if (taking->child_count == UPGRADE_CHILDREN_MAX || !read_kind(kind, &child.kind) ||
        !gw_str_to_u64(pid, INT32_MAX, &number) || !gw_str_to_u64(rest, UINT32_MAX, &crew))
        return;
    child.pid = (pid_t)number;
    child.crew = (unsigned)crew;
    child.is_serving = gw_str_eq(state, GW_STR("serving"));
    taking->children[taking->child_count++] = child;
}

static void take_line(struct taking *taking, struct gw_str line)
{
    struct gw_str what = gw_str_split(&line, ' ');
    struct gw_str first = gw_str_split(&line, ' ');
    enum child_kind kind;
    if (gw_str_eq(what, GW_STR("handover")))
        take_handover(taking, first, line);
    else if (gw_str_eq(what, GW_STR("role")) && read_kind(first, &kind))
        (void)read_fd(line, &taking->ground->role_fds[kind]);
    else if (gw_str_eq(what, GW_STR("socket"))) {
        struct gw_str number = gw_str_split(&line, ' ');
        take_socket(taking, first, number, line);
    } else if (gw_str_eq(what, GW_STR("child"))) {
        struct gw_str pid = gw_str_split(&line, ' ');
        take_child(taking, first, pid, line);
    }
}

bool upgrade_take(struct ground *ground, struct upgrade_child children[UPGRADE_CHILDREN_MAX], size_t *ret_child_count)
{
    static char text[TEXT_BYTES_MAX];
    struct taking taking = {.ground = ground, .children = children};
    const char *variable = getenv(VARIABLE);
    int fd = -1;
    *ret_child_count = 0;
    if (variable == NULL || !read_fd(gw_str_from(variable), &fd))
        return false;
    (void)unsetenv(VARIABLE);
    ssize_t len = pread(fd, text, sizeof text, 0);
    struct gw_str rest = gw_str_n(text, len > 0 ? (size_t)len : 0);
    if (!gw_str_eq(gw_str_split(&rest, '\n'), GW_STR(FIRST_LINE)))
        return false;
    (void)close(fd);
    while (rest.len > 0)
        take_line(&taking, gw_str_split(&rest, '\n'));
    *ret_child_count = taking.child_count;
    return true;
}
