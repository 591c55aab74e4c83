/* answer: the session cookies that an app's answer sets, and what they mean when the answer is not that of a sign-on:
 * rotation of a bound session, or a session that was handed out without a sign-on (semantics.md 3). One loop's thread.
 */
#pragma once

#include "gateway/sso/request.h"

#define SSO_ROTATION_HELD_MS (15 * 60 * 1000ll) /* after its write */
#define SSO_ROTATION_UNWRITTEN_MS (24 * 3600 * 1000ll)
#define SSO_ROTATION_RETRY_MS (10 * 1000ll) /* after a write that failed */
#define SSO_ROTATION_BATCH 256u             /* owed writes handed over in one tick */
#define SSO_ROTATION_FLUSHES_MAX (SSO_HELD_SHARDS * SSO_HELD_SHARD_SESSIONS / SSO_ROTATION_BATCH + 1)
#define SSO_ROTATION_ANY_MS (INT64_MAX / 2) /* later than any write is due */
#define SSO_ANONYMOUS_HELD_MS (3600 * 1000ll)

/* Digests of the session cookies that the answer leaves in the browser: the last of one name, path and domain counts,
 * a deletion or an empty value takes it away. At most STORE_SIGN_ON_SESSIONS_MAX. */
size_t sso_answer_sessions(const struct sso_request *rq,
                           struct store_session_digest ret_sessions[STORE_SIGN_ON_SESSIONS_MAX]);

/* The answer of an ordinary request sets these. */
void sso_answer_note(struct sso_request *rq, const struct store_session_digest *sessions, size_t count);

/* Did the person sign out? Then their sessions are marked, and stay bound. */
void sso_answer_note_logout(struct sso_request *rq);

/* Hands owed writes of rotated sessions to the writer. From the face's tick. */
void sso_answer_tick(struct sso_face *face, int64_t now_ms);

/* Hands over all of them. From sso_face_flush. */
void sso_answer_flush(struct sso_face *face);
