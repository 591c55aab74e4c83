/* log: lines of key=value on stderr for operators, bounded in length and rate. Nothing secret is ever passed here: no
 * token, cookie value, SAML text or password (law 9). Library code returns errors instead of logging. Any thread.
 *
 * Whoever reads stderr may stop reading, and no sign-on may wait for that (law 2): once gw_log_start was called, a line
 * only goes into a buffer, and a thread of its own writes it; what finds the buffer full is dropped and counted. */
#pragma once

#include "gateway/base/result.h"

enum gw_log_level { GW_LOG_ERROR, GW_LOG_WARN, GW_LOG_INFO, GW_LOG_DEBUG };

/* `process` stands in each line ("sso", "prov", "run"); must outlive the process. */
void gw_log_init(const char *process, enum gw_log_level level);

/* Starts the thread that writes. It takes no signals. At exit what is buffered is written, for at most
 * GW_LOG_STOP_MS. Without this call (commands, tests) every line is written at once. */
#define GW_LOG_BUFFER_BYTES (256u * 1024u)
#define GW_LOG_STOP_MS 500
void gw_log_start(void);
/* Waits until what is buffered is written, for at most GW_LOG_STOP_MS. */
void gw_log_flush(void);

/* One line: time, level, process, event, then the formatted text ("key=value key=value"). Control bytes are replaced.
 * Past GW_LOG_LINES_PER_SECOND lines are dropped and their number is said in a later line. `event` is a short fixed
 * name such as "child-exited". */
#define GW_LOG_LINES_PER_SECOND 200
#define GW_LOG_LINE_MAX 2048
void gw_log(enum gw_log_level level, const char *event, const char *fmt, ...) GW_PRINTF(3, 4);
