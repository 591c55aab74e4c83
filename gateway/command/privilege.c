#include "gateway/command/privilege.h"

#include "gateway/base/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64

static enum gw_code failed(const char *what, struct gw_error *err)
{
    return gw_fail(err, GW_E_INTERNAL, "cannot give up root: %s: %s", what, strerror(errno));
}

/* What an exec by root would bring back. */
static enum gw_code bound_capabilities(uint64_t kept, struct gw_error *err)
{
    for (int i = 0; i < CAPABILITIES_MAX; i++) {
        bool is_kept = (kept >> i & 1) != 0;
        if (!is_kept && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
            return failed("capability bounding set", err);
    }
    return GW_OK;
}

static enum gw_code keep_capabilities(uint64_t kept, struct gw_error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}};
    if (syscall(SYS_capget, &header, sets) != 0)
        return failed("capabilities", err);
    for (size_t i = 0; i < 2; i++) {
        uint32_t mask = (uint32_t)(kept >> (32 * i));
        sets[i].permitted &= mask;
        sets[i].effective &= mask;
        sets[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, sets) == 0 ? GW_OK : failed("capabilities", err);
}

#define BIT(capability) (1ull << (capability))

static enum gw_code stay_root(struct gw_error *err)
{
    /* Ports below 1024 at a reload, files of other owners, and giving the store's lock files to the store's owner. */
    static const uint64_t kept = BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER);
    struct gw_error bound;
    gw_log(GW_LOG_WARN, "running-as-root", "advice=\"name an account of its own: user: provgate\"");
    if (bound_capabilities(kept, &bound) != GW_OK) /* a container whose root may not even do that */
        gw_log(GW_LOG_WARN, "capabilities-kept", "reason=\"%s\"", bound.text);
    return keep_capabilities(kept, err);
}

/* The set itself goes with the uid. */
static enum gw_code become(const struct passwd *account, struct gw_error *err)
{
    GW_TRY(bound_capabilities(0, err));
    if (initgroups(account->pw_name, account->pw_gid) != 0)
        return failed("groups", err);
    if (setresgid(account->pw_gid, account->pw_gid, account->pw_gid) != 0)
        return failed("group", err);
    if (setresuid(account->pw_uid, account->pw_uid, account->pw_uid) != 0)
        return failed("user", err);
    if (setuid(0) == 0)
        return gw_fail(err, GW_E_INTERNAL, "root could be taken back");
    return keep_capabilities(0, err);
}

enum gw_code privilege_drop(const struct config *config, struct gw_error *err)
{
    const struct passwd *account = config->user != NULL ? getpwnam(config->user) : NULL;
    GW_ARENA_SCOPED(arena);
    if (config->user != NULL && account == NULL)
        return gw_fail(err, GW_E_CONFIG, "%s: there is no account %s on this machine",
                       config_where(config, &arena, "user").ptr, config->user);
    if (account != NULL && geteuid() != 0 && geteuid() != account->pw_uid)
        return gw_fail(err, GW_E_CONFIG, "%s: only root can become %s", config_where(config, &arena, "user").ptr,
                       config->user);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed("no_new_privs", err);
    if (geteuid() != 0)
        return GW_OK;
    return account != NULL && account->pw_uid != 0 ? become(account, err) : stay_root(err);
}

/* The leak sanitizer looks at a process as a debugger does. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

void privilege_hide_memory(void)
{
#ifdef IS_SANITIZED
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
#else
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
