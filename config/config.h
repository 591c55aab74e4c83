/* config: the configuration as one immutable snapshot. Read strictly from YAML (libyaml): an unknown key, a wrong type
 * or an impossible value is an error with file, line, column and, where there is one, a suggestion. Nothing here opens
 * a socket or the store. The snapshot is reference-counted: any thread may read it. */
#pragma once

#include "config/schema.h"
#include "gateway/base/arena.h"
#include "gateway/base/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Caps (law 10). */
#define CONFIG_FILE_BYTES_MAX (1024u * 1024u)
#define CONFIG_SERVERS_MAX 32u /* of one app */
#define CONFIG_APPS_MAX 64u
#define CONFIG_LISTENERS_MAX 16u
#define CONFIG_LIST_MAX 256u /* entries of any other list */
#define CONFIG_ACTIVITY_VALUES_MAX 16u

struct config_tls_pair {
    const char *certificate; /* file */
    const char *key;
};
enum config_client_certificates { CONFIG_CLIENT_CERTIFICATES_REQUIRE, CONFIG_CLIENT_CERTIFICATES_OPTIONAL };
#define CONFIG_CERTIFICATES_MAX 64u

struct config_tls {
    const char *certificate; /* file, of the first pair; NULL: plain text */
    const char *key;
    struct config_tls_pair *pairs; /* all of them, however they were written */
    size_t pair_count;
    const char *client_ca; /* file; NULL: clients are not asked */
    enum config_client_certificates client_certificates;
};

struct config_cidr {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;        /* 0 to 128 */
};

struct config_listener {
    const char *address; /* "0.0.0.0:443", "[::]:443", "unix:/path" */
    struct config_tls tls;
    struct config_cidr *allow_from; /* none: everybody */
    size_t allow_from_count;
    struct config_cidr *proxy_from; /* peers that must send a PROXY protocol header; none: no header, anybody */
    size_t proxy_from_count;
};

struct config_url {
    bool is_https;
    const char *host; /* NULL for a UNIX socket */
    uint16_t port;
    const char *unix_path;
    const char *text;
};

struct config_server {
    struct config_url url;
    uint32_t weight;
};

struct config_health {
    const char *path; /* NULL: no health checks */
    int64_t every_ms;
    int64_t timeout_ms;
    uint32_t fall;
    uint32_t rise;
    uint32_t status_min;
    uint32_t status_max;
};

struct config_upstream {
    struct config_url url; /* of the first server */
    struct config_server *servers;
    size_t server_count;         /* 1 or more */
    const char *affinity_cookie; /* may end in '*'; NULL: the session cookies */
    struct config_health health;
    const char *ca;          /* file, NULL: the system's */
    const char *certificate; /* ours, for servers that want one; file, NULL: none */
    const char *key;
    const char *server_name; /* NULL: the host of each server's url */
    int64_t connect_timeout_ms;
    int64_t answer_timeout_ms;
    int64_t idle_timeout_ms;
    uint32_t connections_max;
};

enum config_identity_kind {
    CONFIG_IDENTITY_SAML,
    CONFIG_IDENTITY_PROBE,
    CONFIG_IDENTITY_HEADER,
    CONFIG_IDENTITY_ID_TOKEN
};
enum config_match { CONFIG_MATCH_USER_NAME, CONFIG_MATCH_EXTERNAL_ID, CONFIG_MATCH_EMAIL };
enum config_gate { CONFIG_GATE_ENFORCE, CONFIG_GATE_OBSERVE };

/* Which SAML attributes fill an observed user; NULL: absent. */
struct config_saml_attributes {
    const char *given_name;
    const char *family_name;
    const char *display_name;
    const char *email;
};

struct config_saml {
    const char **acs; /* paths */
    size_t acs_count;
    const char **idp_certificates; /* files, resolved against the configuration file's folder */
    size_t idp_certificate_count;
    const char *idp_entity;
    const char *audience;
    const char *user_attribute; /* NULL: the name id */
    enum config_match match;
    enum config_gate gate;
    int64_t skew_ms; /* 60 s */
    struct config_saml_attributes attributes;
};

struct config_probe_when {
    bool unbound;
    const char *after; /* path, or NULL */
};

struct config_probe {
    struct config_probe_when *when;
    size_t when_count;
    const char *get;
    const char *user_name; /* JSON pointer */
};

/* Where an issuer's keys are: one of file and url. */
struct config_keys {
    const char *file;
    const char *url;
    const char *ca;
};

/* An OpenID Connect id_token by form_post. What it has in common with SAML is in config_identity.saml. */
struct config_id_token {
    const char **acs;
    size_t acs_count;
    const char *issuer;
    const char *audience;
    struct config_keys keys;
    const char *user; /* claim */
    enum config_match match;
    enum config_gate gate;
    int64_t skew_ms;
};

struct config_identity {
    enum config_identity_kind kind;
    struct config_saml saml; /* also of an id_token: paths, audience, join rule, gate; its attributes are claims */
    struct config_id_token id_token;
    struct config_probe probe;
    const char *header_name;
};

enum config_deactivated { CONFIG_DEACTIVATED_REFUSE, CONFIG_DEACTIVATED_REPORT };
enum config_unbound { CONFIG_UNBOUND_PASS, CONFIG_UNBOUND_REAUTH, CONFIG_UNBOUND_REFUSE };
enum config_unknown { CONFIG_UNKNOWN_OBSERVE, CONFIG_UNKNOWN_REFUSE };
enum config_undecided { CONFIG_UNDECIDED_PASS, CONFIG_UNDECIDED_REFUSE };

struct config_forwarded {
    bool for_on, proto_on, host_on, port_on;
};

struct config_inject {
    const char *name;  /* header */
    const char *value; /* SCIM attribute name */
};

struct config_guarded_path {
    const char *path;
    const char **require; /* role ids */
    size_t require_count;
};

/* What a refused person reads. */
struct config_refusal {
    const char *page;    /* HTML file; NULL: the built-in page */
    const char *contact; /* text; NULL: none */
};
#define CONFIG_REFUSAL_PAGE_BYTES_MAX (256u * 1024u)

struct config_sso_face {
    bool is_present;
    const char **hosts;
    size_t host_count;
    const char *external_url; /* "https://wiki.example.com", without a slash at the end */
    struct config_upstream upstream;
    const char **session_cookies; /* may end in '*' */
    size_t session_cookie_count;
    bool keeps_session_id;
    int64_t session_ttl_ms; /* 30 days */
    struct config_identity *identities;
    size_t identity_count;
    enum config_deactivated deactivated;
    enum config_unbound unbound;
    enum config_unknown unknown;
    enum config_undecided undecided;
    struct config_forwarded forwarded;
    struct config_cidr *trusted_proxies;
    size_t trusted_proxy_count;
    const char **strip_request_headers; /* as printed by `provgate check`; the built-in list unless given */
    size_t strip_request_header_count;
    struct config_inject *inject;
    size_t inject_count;
    struct config_guarded_path *guarded_paths; /* key `roles` of the face */
    size_t guarded_path_count;
    const char **never_refuse; /* user names */
    size_t never_refuse_count;
    struct config_refusal refusal;
    const char *request_id_header; /* NULL: none is sent to the app */
    const char **logout;           /* paths where the app signs out */
    size_t logout_count;
    bool paths_case_insensitive; /* paths: case_insensitive */
};

struct config_role {
    const char *id;
    const char *display;
    const char **groups; /* group display names that give the role */
    size_t group_count;
};

enum config_after_retention { CONFIG_RETENTION_KEEP, CONFIG_RETENTION_ANONYMISE, CONFIG_RETENTION_DELETE };
enum config_brake_action { CONFIG_BRAKE_ALERT, CONFIG_BRAKE_HOLD };

struct config_brake {
    enum config_brake_action action;
    uint32_t share_percent;
    int64_t within_ms;
    uint32_t at_least;
    int64_t max_hold_ms;
};

struct config_policy {
    enum config_match match[3];
    size_t match_count;
    bool adopt;
    bool revive;
    int64_t retain_ms;
    enum config_after_retention after_retention;
    struct config_brake brake;
};

/* Okta Universal Logout (draft-parecki-oauth-global-token-revocation). */
struct config_logout {
    bool is_present;
    const char *path;
    const char *issuer;
    const char *audience;
    struct config_keys keys;
    int64_t skew_ms;
};

/* OAuth 2 bearers that are signed tokens (RFC 9068). */
struct config_oauth {
    bool is_present;
    const char *issuer;
    const char *audience;
    struct config_keys keys;
    int64_t skew_ms;
    const char *scope_claim;
    const char *scope_provision;
    const char *scope_read; /* NULL: none reads only */
};

struct config_prov_face {
    bool is_present;
    const char **hosts;
    size_t host_count;
    const char *base_path;       /* "/scim/v2", without a slash at the end */
    const char *scim1_base_path; /* "/scim/v1"; NULL: no SCIM 1.1 */
    const char *tokens_file;
    bool enabled;
    bool service_user;
    struct config_role *roles;
    size_t role_count;
    struct config_schema *schemas;
    size_t schema_count;
    bool trace; /* of each call, without values */
    struct config_policy policy;
    struct config_logout logout;
    struct config_oauth oauth;
};

struct config_app {
    const char *name;
    const char *folder;
    struct config_sso_face sso;
    struct config_prov_face prov;
    int line; /* in the file, for later messages */
};

struct config_access_log {
    const char *file; /* NULL: none */
    unsigned format;  /* JSON is the only one */
    bool users;       /* with the user names of bound sessions */
};

struct config {
    const char *path;
    struct gw_str text; /* what it was read from; the parent hands it to its children */
    const char *store_path;
    uint64_t store_max_size;
    const char *user;         /* the account that a start as root gives everything up for; NULL: none */
    int64_t drain_timeout_ms; /* what is open when the configuration or the program changes may go on for so long */
    int64_t activity_retain_ms;
    uint32_t activity_entries_max;
    const char **activity_values; /* SCIM attributes, as written; routes/values.h knows which there are */
    size_t activity_value_count;
    uint32_t sessions_max; /* bindings of active users beyond it make room, the longest unseen first */
    struct config_listener *sso_listeners;
    size_t sso_listener_count;
    uint32_t sso_workers; /* 0: auto, one per core */
    struct config_access_log access_log;
    struct config_listener *prov_listeners;
    size_t prov_listener_count;
    const char *admin_listen; /* NULL: none */
    const char *admin_tokens_file;
    struct config_app *apps;
    size_t app_count;
    const struct config_node *root; /* private: where each key stands, for config_where */
    struct gw_arena arena;          /* private: holds all of the above */
    _Atomic unsigned references;
};

/* Reads and validates `path`; relative file names in it are taken from its folder. `text` is the content when it was
 * read already (a child gets it from its parent), or ptr NULL. Files that are named (certificates, tokens) are not
 * opened here: config_check_files does. On failure the error's text is one line: "FILE:LINE:COLUMN: KEY: reason; did
 * you mean X?" */
GW_MUST_CHECK enum gw_code config_load(const char *path, struct gw_str text, struct config **ret_config,
                                       struct gw_error *err);
struct config *config_ref(struct config *config);
void config_unref(struct config *config);

/* "FILE:LINE:COLUMN: KEY" of a key such as "prov.listen[0].address", for messages of those who use it ("address in
 * use"). Line and column are 1 when the key is not written. The text lives in `arena`. */
struct gw_str config_where(const struct config *config, struct gw_arena *arena, const char *key);

/* What starting would find out: files readable, certificate and key match and are not expired, secrets not
 * world-readable, tokens file present where `enabled`, IdP certificates parse. Calls `on_finding` for each; errors stop
 * a start, warnings do not (for instance that `unbound: pass` does not stop a session that was never bound). Returns
 * the number of errors. */
enum config_severity { CONFIG_ERROR, CONFIG_WARNING };
typedef void (*config_finding_fn)(enum config_severity severity, const char *text, void *data);
size_t config_check_files(const struct config *config, config_finding_fn on_finding, void *data);

/* Is `address` (16 bytes, IPv4 mapped) in one of the ranges? */
bool config_cidr_contains(const struct config_cidr *ranges, size_t count, const uint8_t address[16]);

/* Of a listener (a struct config_listener): may this peer come, and may it connect to say whom it speaks for? A UNIX
 * socket has the permissions of its file: its peers may. */
bool config_listener_allows(const struct sockaddr *peer, void *listener);
bool config_listener_trusts_header(const struct sockaddr *peer, void *listener);

/* An example configuration with comments, for `provgate init`. */
const char *config_example_text(void);
