#include "gateway/fetch/download.h"

#include <curl/curl.h>
#include <pthread.h>

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_start(void)
{
    GW_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static bool is_loopback(struct gw_str rest)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct gw_str host = gw_str_from(hosts[i]);
        if (!gw_str_starts_nocase(rest, host))
            continue;
        char next = rest.len > host.len ? rest.ptr[host.len] : '/';
        return next == ':' || next == '/';
    }
    return false;
}

bool download_url_is_allowed(const char *url)
{
    struct gw_str text = gw_str_from(url);
    for (size_t i = 0; i < text.len; i++) {
        /* '@' would put a name before the host, '\\' is read as '/' by some */
        if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f || text.ptr[i] == '@' || text.ptr[i] == '\\')
            return false;
    }
    if (gw_str_starts(text, GW_STR("https://")))
        return text.len > 8 && text.ptr[8] != '/' && text.ptr[8] != ':';
    return gw_str_starts(text, GW_STR("http://")) && is_loopback(gw_str_from_pos(text, 7));
}

struct transfer {
    struct gw_buf *body;
    size_t bytes_max;
    const atomic_bool *stop;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    size_t len = size * count;
    if (len > transfer->bytes_max - transfer->body->len)
        return 0; /* ends the transfer */
    gw_buf_add(transfer->body, gw_str_n(bytes, len));
    return transfer->body->overflow ? 0 : len;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    const struct transfer *transfer = data;
    return transfer->stop != NULL && atomic_load(transfer->stop);
}

static void set_options(CURL *curl, const struct download *download, struct transfer *transfer)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, download->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "provgate/" PROVGATE_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)download->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)download->bytes_max);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (download->ca != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, download->ca);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
}

enum gw_code download_get(const struct download *download, struct gw_buf *body, struct gw_error *err)
{
    if (!download_url_is_allowed(download->url))
        return gw_fail(err, GW_E_UPSTREAM, "%s: not an https address", download->url);
    (void)pthread_once(&library_once, library_start);
    struct transfer transfer = {body, download->bytes_max, download->stop};
    CURL *curl = curl_easy_init();
    GW_ASSERT(curl != NULL);
    gw_buf_clear(body);
    set_options(curl, download, &transfer);
    CURLcode result = curl_easy_perform(curl);
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (result == CURLE_WRITE_ERROR || result == CURLE_FILESIZE_EXCEEDED)
        return gw_fail(err, GW_E_UPSTREAM, "%s: the document is larger than %zu bytes", download->url,
                       download->bytes_max);
    if (result != CURLE_OK)
        return gw_fail(err, GW_E_UPSTREAM, "%s: %s", download->url, curl_easy_strerror(result));
    if (status != 200)
        return gw_fail(err, GW_E_UPSTREAM, "%s: answered %ld", download->url, status);
    return GW_OK;
}
