/* face: what an end user's request passes on its way to the app. The path of a request, in order:
 *   route (host -> app) -> guard (session cookies -> session -> user state) -> sign-on (ACS path only) -> forward;
 * and of its answer: sign-on (bind the cookies that the app sets, wait for the commit) -> pass.
 * It only proxies and reads: every write is a change handed to the sso writer, and no SCIM work runs here (law 2).
 *
 * sso_shared is made once per process, before the loops. It is immutable but for the replay marks and the held sessions
 * (replay.h, held.h), which have locks that a bound session's request never takes. sso_face is made once per loop; its
 * own thread only. At the end: net_loop_run has returned, the faces are flushed, the writer is freed, then the faces,
 * the loops, the shared part. */
#pragma once

#include "config/config.h"
#include "gateway/base/result.h"
#include "gateway/http/exchange.h"
#include "store/writer.h"

struct sso_shared;
struct sso_handover; /* gateway/sso/handover.h */
struct sso_face;

/* Takes a reference on `config`; borrows store and writer. Loads IdP certificates; makes missing folders. */
GW_MUST_CHECK enum gw_code sso_shared_new(struct config *config, struct store *store, struct store_writer *writer,
                                          struct sso_shared **ret_shared, struct gw_error *err);
/* What this process and its successors tell each other, before the first request; it outlives `shared`. */
void sso_shared_hand_over(struct sso_shared *shared, struct sso_handover *handover);
void sso_shared_free(struct sso_shared *shared);

/* Makes upstream pools on `loop` and a reader. */
GW_MUST_CHECK enum gw_code sso_face_new(struct sso_shared *shared, struct net_loop *loop, struct sso_face **ret_face,
                                        struct gw_error *err);
void sso_face_free(struct sso_face *face);

/* Hands everything that is held and not yet in the store to the writer, which store_writer_free then finishes: rotated
 * sessions, and sign-ons that went on without their commit (law 3: a restart forgets nobody). When net_loop_run has
 * returned on every loop, before the writer is freed. */
void sso_face_flush(struct sso_face *face);

/* For http_listener_settings; the face pointer is the face_data. */
extern const struct http_face sso_http_face;

/* Reads the revocation log from where this face stands and cuts every registered exchange of those users that is bound
 * with an older generation. Called on the loop when the prov child signals, after own commits, and every 100 ms. */
void sso_face_cut_revoked(struct sso_face *face);

/* How many connections one loop's face may have to all servers of all apps at once. */
size_t sso_outgoing_connections_max(const struct config *config);
