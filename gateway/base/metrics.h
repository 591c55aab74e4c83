/* metrics: counters and gauges, written once here with name and help text, and counted without a lock: each thread has
 * a slot of its own in memory that both children share, and whoever is asked for the metrics adds the slots up. A slot
 * keeps its values when its process dies and is started again. Any thread. */
#pragma once

#include "gateway/base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

/*  constant, name, type, help */
#define GW_METRIC_MAP(XX)                                                                                              \
    XX(SSO_REQUESTS, "provgate_sso_requests_total", "counter", "Requests that the SSO face read")                      \
    XX(SSO_FORWARDED, "provgate_sso_forwarded_total", "counter", "Requests passed to an app")                          \
    XX(SSO_BOUND, "provgate_sso_bound_requests_total", "counter", "Requests of a session that is bound to a user")     \
    XX(SSO_UNBOUND, "provgate_sso_unbound_requests_total", "counter",                                                  \
       "Requests with a session cookie that is not bound")                                                             \
    XX(SSO_ANONYMOUS, "provgate_sso_anonymous_requests_total", "counter", "Requests without a session cookie")         \
    XX(SSO_REFUSED, "provgate_sso_refused_total", "counter", "Requests refused because of the user's state")           \
    XX(SSO_AMBIGUOUS, "provgate_sso_ambiguous_total", "counter",                                                       \
       "Requests refused because a session cookie has two readings")                                                   \
    XX(SSO_UNDECIDED, "provgate_sso_undecided_total", "counter", "Requests decided by the key undecided")              \
    XX(SSO_REPORTED, "provgate_sso_reported_total", "counter",                                                         \
       "Requests of ended sessions passed by deactivated: report")                                                     \
    XX(SSO_UNBOUND_REFUSED, "provgate_sso_unbound_refused_total", "counter", "Requests stopped by the key unbound")    \
    XX(SSO_ROLE_REFUSED, "provgate_sso_role_refused_total", "counter", "Requests refused on a guarded path")           \
    XX(SSO_NEVER_REFUSED, "provgate_sso_never_refused_total", "counter", "Refusals that never_refuse turned away")     \
    XX(SSO_ROTATIONS, "provgate_sso_rotations_total", "counter",                                                       \
       "Session cookies that an app replaced in a bound session")                                                      \
    XX(SSO_CUT, "provgate_sso_cut_total", "counter", "Open exchanges cut because of a revocation")                     \
    XX(SSO_SIGN_ONS, "provgate_sso_sign_ons_total", "counter", "Accepted sign-ons")                                    \
    XX(SSO_SIGN_ONS_UNBOUND, "provgate_sso_sign_ons_unbound_total", "counter",                                         \
       "Sign-ons whose answer set no session cookie")                                                                  \
    XX(SSO_SIGN_ONS_REFUSED, "provgate_sso_sign_ons_refused_total", "counter",                                         \
       "Sign-ons refused for the user's state")                                                                        \
    XX(SSO_IDENTIFIED, "provgate_sso_identified_total", "counter",                                                     \
       "Sessions that were bound because the app said whose they are")                                                 \
    XX(SSO_PROBES, "provgate_sso_probes_total", "counter", "Times that an app was asked whose a session is")           \
    XX(SSO_PROBES_FAILED, "provgate_sso_probes_failed_total", "counter",                                               \
       "Times that an app gave no clear answer to that")                                                               \
    XX(SAML_INVALID, "provgate_saml_invalid_total", "counter", "SAML responses that failed verification")              \
    XX(SAML_UNKNOWN_KEY, "provgate_saml_unknown_key_total", "counter",                                                 \
       "Well-shaped SAML responses signed with a key that is not configured")                                          \
    XX(SAML_REPLAYED, "provgate_saml_replayed_total", "counter", "Assertions that were used before")                   \
    XX(SAML_OBSERVED_INVALID, "provgate_saml_observe_passed_total", "counter",                                         \
       "Invalid SAML responses passed on by gate: observe")                                                            \
    XX(ID_TOKEN_INVALID, "provgate_id_token_invalid_total", "counter", "Posted id_tokens that failed verification")    \
    XX(SIGN_ON_NOT_RECORDED, "provgate_sign_on_not_recorded_total", "counter",                                         \
       "Sign-ons whose binding could not be recorded in time")                                                         \
    XX(UPSTREAM_ERRORS, "provgate_upstream_errors_total", "counter", "Requests that an app failed to answer")          \
    XX(UPSTREAM_RETRIES, "provgate_upstream_retries_total", "counter",                                                 \
       "Requests sent again because a kept connection had ended")                                                      \
    XX(UPSTREAM_MOVES, "provgate_upstream_moves_total", "counter",                                                     \
       "Requests that went on to another server because one could not be reached")                                     \
    XX(UPSTREAM_DOWNS, "provgate_upstream_downs_total", "counter", "Times that a server of an app was taken out")      \
    XX(UPSTREAM_CHECKS, "provgate_upstream_checks_total", "counter", "Health checks of servers that went well")        \
    XX(UPSTREAM_CHECKS_FAILED, "provgate_upstream_checks_failed_total", "counter", "Health checks that did not")       \
    XX(UPSTREAM_CANCELLED, "provgate_upstream_cancelled_total", "counter",                                             \
       "Requests given up while the app was answering: the client left, or was cut")                                   \
    XX(HTTP_REFUSED, "provgate_http_refused_total", "counter", "Requests refused by the head rules")                   \
    XX(CONNECTIONS_ACCEPTED, "provgate_connections_accepted_total", "counter", "Connections accepted")                 \
    XX(PROXY_REFUSED, "provgate_proxy_protocol_refused_total", "counter",                                              \
       "Connections closed for their PROXY protocol header, or for the address it told")                               \
    XX(CERTIFICATE_RELOADS, "provgate_certificate_reloads_total", "counter",                                           \
       "Times that a listener took changed certificates into use")                                                     \
    XX(CERTIFICATE_RELOADS_FAILED, "provgate_certificate_reloads_failed_total", "counter",                             \
       "Times that changed certificates could not be used and the old ones stayed")                                    \
    XX(SCIM_REQUESTS, "provgate_scim_requests_total", "counter", "Requests that the PROV face read")                   \
    XX(SCIM_UNAUTHORIZED, "provgate_scim_unauthorized_total", "counter", "PROV requests without a valid credential")   \
    XX(SCIM_ERRORS, "provgate_scim_errors_total", "counter", "PROV requests answered with an error")                   \
    XX(SCIM_BUSY, "provgate_scim_busy_total", "counter", "PROV requests answered with 429")                            \
    XX(SCIM_IGNORED_ATTRIBUTES, "provgate_scim_ignored_attributes_total", "counter",                                   \
       "Unknown attributes that were ignored")                                                                         \
    XX(LOGOUTS, "provgate_universal_logouts_total", "counter", "Users signed out everywhere by Universal Logout")      \
    XX(KEYS_ASKED, "provgate_keys_asked_total", "counter", "Times that an issuer was asked for its keys")              \
    XX(KEYS_FAILED, "provgate_keys_failed_total", "counter",                                                           \
       "Times that no set of keys came from a file or an issuer")                                                      \
    XX(STORE_COMMITS, "provgate_store_commits_total", "counter", "Commits")                                            \
    XX(STORE_WRITES_FAILED, "provgate_store_writes_failed_total", "counter",                                           \
       "Commits that failed so that no change is taken until provgate is started again; must stay 0")                  \
    XX(STORE_SCANS, "provgate_store_scans_total", "counter", "Full scans of a large store that began")                 \
    XX(STORE_SCANS_DONE, "provgate_store_scans_done_total", "counter", "Full scans of a large store that ended")       \
    XX(STORE_SCANNED, "provgate_store_scanned_records_total", "counter", "Records that full scans have read")          \
    XX(STORE_DAMAGE, "provgate_store_damage_total", "counter", "Full scans that found a damaged record; must stay 0")  \
    XX(STORE_CHANGES, "provgate_store_changes_total", "counter", "Changes answered after a commit")                    \
    XX(SSO_REFUSED_THOUGH_ACTIVE, "provgate_sso_refused_though_active_total", "counter",                               \
       "Refusals of a session that was alive when it was looked at again; must stay 0")                                \
    XX(GUARD_OFF_PASSED, "provgate_guard_off_passed_total", "counter",                                                 \
       "Requests that the guard would have refused and guard off let pass")                                            \
    XX(ACCESS_LOG_DROPPED, "provgate_access_log_dropped_total", "counter",                                             \
       "Lines that the access log had no room for")                                                                    \
    XX(SSO_LOGOUTS, "provgate_sso_logouts_total", "counter", "Sessions that were seen to sign out at the app")         \
    XX(SESSIONS_FORGOTTEN, "provgate_sessions_forgotten_total", "counter",                                             \
       "Bindings that went because of session_ttl or sessions_max")                                                    \
    XX(RELOADS, "provgate_reloads_total", "counter", "Configurations and programs that took over while serving")       \
    XX(RELOADS_FAILED, "provgate_reloads_failed_total", "counter",                                                     \
       "Reloads and upgrades that were refused; what served before goes on")                                           \
    XX(USERS_PURGED, "provgate_users_purged_total", "counter",                                                         \
       "Records that were deleted or anonymised after their retention time")                                           \
    XX(RETENTION_STOPPED, "provgate_retention_stopped_total", "counter",                                               \
       "Times that a jump of the wall clock stopped the end of retention times")                                       \
    XX(BRAKE_ALERTS, "provgate_brake_alerts_total", "counter",                                                         \
       "Times that far more users than usual were taken out at once")                                                  \
    XX(BRAKE_HELD, "provgate_brake_held_total", "counter", "Deactivations and deletions that the brake held")          \
    XX(CHILD_RESTARTS, "provgate_child_restarts_total", "counter", "Child processes that were started again")

enum gw_metric {
#define XX(constant, name, type, help) GW_METRIC_##constant,
    GW_METRIC_MAP(XX)
#undef XX
        GW_METRIC_COUNT
};

#define GW_METRIC_SLOTS 128u

struct gw_metric_slot {
    _Alignas(64) _Atomic uint64_t values[GW_METRIC_COUNT];
};

/* Gauges with two labels, one row for each pair that a process knows, in the same memory.
 *  constant, name, first label, second label, help */
#define GW_GAUGE_MAP(XX)                                                                                               \
    XX(UPSTREAM_UP, "provgate_upstream_server_up", "app", "server", "Whether requests go to this server of an app")    \
    XX(CERTIFICATE_EXPIRY, "provgate_certificate_expiry_seconds", "use", "file",                                       \
       "When the first certificate in the file ends, in seconds since 1970")                                           \
    XX(CLOCK_JUMPED, "provgate_clock_jumped", "what", "process",                                                       \
       "1 while this waits because the wall clock jumped: forgetting bindings, retention")

enum gw_gauge_kind {
#define XX(constant, name, first, second, help) GW_GAUGE_##constant,
    GW_GAUGE_MAP(XX)
#undef XX
        GW_GAUGE_KIND_COUNT
};

#define GW_GAUGES_MAX 512u
#define GW_GAUGE_FIRST_BYTES 64u /* labels are cut to fit */
#define GW_GAUGE_SECOND_BYTES 256u
#define GW_GAUGE_LABEL_WORDS ((GW_GAUGE_FIRST_BYTES + GW_GAUGE_SECOND_BYTES) / 8)

struct gw_gauge {
    _Atomic uint32_t
        state; /* free, being written, to be read; it grows, so that a reader sees that it is another's now */
    _Atomic uint32_t holders;
    _Atomic uint32_t process; /* of the holders */
    _Atomic uint32_t kind;
    _Atomic int64_t value;
    _Atomic uint64_t labels[GW_GAUGE_LABEL_WORDS]; /* the texts of both */
};

/* Counters of one app, with its name as a label.
 *  constant, name, second label, help (the first row of a name says it) */
#define GW_APP_COUNT_MAP(XX)                                                                                           \
    XX(BOUND, "provgate_app_requests_total", "session=\"bound\"",                                                      \
       "Requests by whether their session is bound to a user")                                                         \
    XX(UNBOUND, "provgate_app_requests_total", "session=\"unbound\"", "")                                              \
    XX(NO_SESSION, "provgate_app_requests_total", "session=\"none\"", "")                                              \
    XX(SIGN_ONS_LINKED, "provgate_app_sign_ons_total", "user=\"provisioned\"",                                         \
       "Recorded sign-ons by whether the user was provisioned")                                                        \
    XX(SIGN_ONS_OBSERVED, "provgate_app_sign_ons_total", "user=\"observed\"", "")                                      \
    XX(SIGN_ONS_UNBOUND, "provgate_app_sign_ons_unbound_total", "session=\"none\"",                                    \
       "Accepted sign-ons whose answer set no session cookie")                                                         \
    XX(FAILED_NAME, "provgate_app_upstream_failures_total", "reason=\"name\"",                                         \
       "Requests that an app failed to answer, or to answer to the end, by what failed")                               \
    XX(FAILED_REFUSED, "provgate_app_upstream_failures_total", "reason=\"connect-refused\"", "")                       \
    XX(FAILED_CONNECT, "provgate_app_upstream_failures_total", "reason=\"connect-failed\"", "")                        \
    XX(FAILED_CONNECT_TIMEOUT, "provgate_app_upstream_failures_total", "reason=\"connect-timeout\"", "")               \
    XX(FAILED_TLS, "provgate_app_upstream_failures_total", "reason=\"tls\"", "")                                       \
    XX(FAILED_BUSY, "provgate_app_upstream_failures_total", "reason=\"busy\"", "")                                     \
    XX(FAILED_OWN, "provgate_app_upstream_failures_total", "reason=\"own\"", "")                                       \
    XX(FAILED_CLOSED, "provgate_app_upstream_failures_total", "reason=\"closed\"", "")                                 \
    XX(FAILED_MALFORMED, "provgate_app_upstream_failures_total", "reason=\"malformed\"", "")                           \
    XX(FAILED_HEAD_TIMEOUT, "provgate_app_upstream_failures_total", "reason=\"head-timeout\"", "")                     \
    XX(FAILED_BODY_TIMEOUT, "provgate_app_upstream_failures_total", "reason=\"body-timeout\"", "")                     \
    XX(FAILED_BODY_CLOSED, "provgate_app_upstream_failures_total", "reason=\"body-closed\"", "")                       \
    XX(FAILED_BODY_MALFORMED, "provgate_app_upstream_failures_total", "reason=\"body-malformed\"", "")

enum gw_app_count {
#define XX(constant, name, second, help) GW_APP_##constant,
    GW_APP_COUNT_MAP(XX)
#undef XX
        GW_APP_COUNT_COUNT
};

#define GW_APPS_MAX 128u /* names that were ever configured since the start; more are not counted */

struct gw_app_slot {
    _Alignas(64) _Atomic uint64_t values[GW_APPS_MAX][GW_APP_COUNT_COUNT];
};

struct gw_metrics {
    struct gw_metric_slot slots[GW_METRIC_SLOTS];
    struct gw_app_slot app_slots[GW_METRIC_SLOTS];
    _Atomic uint64_t app_names[GW_APPS_MAX]; /* hashes; 0: free */
    struct gw_gauge gauges[GW_GAUGES_MAX];
};

/* All threads of the process count into `metrics` (shared memory) from slot `first_slot` on, one slot a thread, handed
 * out as threads first count. Before this, counts go to a slot of the process's own. */
void gw_metrics_attach(struct gw_metrics *metrics, unsigned first_slot, unsigned slot_count);

void gw_metric_add(enum gw_metric metric, uint64_t n);
uint64_t gw_metric_sum(const struct gw_metrics *metrics, enum gw_metric metric);

/* The place of that app in the attached memory, claimed when it is new: processes of several configurations count into
 * one row by name. GW_APPS_MAX: no room, and nothing is counted. */
unsigned gw_app_place(const char *name);
void gw_app_add(unsigned place, enum gw_app_count count, uint64_t n);
uint64_t gw_app_sum(const struct gw_metrics *metrics, const char *name, enum gw_app_count count);
const struct gw_metrics *gw_metrics_attached(void);

/* Makes the row when there is none; what finds no place is not told. */
void gw_gauge_set(enum gw_gauge_kind kind, const char *first, const char *second, int64_t value);
/* The largest of all rows of the kind; 0 when there is none. */
int64_t gw_gauge_max(enum gw_gauge_kind kind);
/* For rows that end: made or held once more; gone when the last holder of this process lets go. A row that a process
 * that died left behind is taken over. */
void gw_gauge_hold(enum gw_gauge_kind kind, const char *first, const char *second);
void gw_gauge_drop(enum gw_gauge_kind kind, const char *first, const char *second);

/* The text exposition format, version 0.0.4. */
void gw_metrics_write(const struct gw_metrics *metrics, struct gw_buf *buf);
