/* saml_scan: what is checked in one pass over the bytes before libxml2 sees them.
 *
 * libxml2 is quadratic in the attributes of one element and knows DOCTYPE, entities and other encodings; none of that
 * may be reached by an outsider. Refuses every `<!`, every `<?` after the XML declaration, everything that is not
 * strict UTF-8, control characters, and documents beyond the caps. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/base/str.h"

#define SAML_BASE64_BYTES_MAX (200u * 1000)
#define SAML_XML_BYTES_MAX (150u * 1000)
#define SAML_DEPTH_MAX 24
#define SAML_ELEMENTS_MAX 400
#define SAML_ATTRIBUTES_MAX 40 /* of one element, namespace declarations included */

/* Standard alphabet, canonical padding. Line breaks (LF or CR LF) are taken between whole groups of four and at the
 * end, since several providers wrap at 60, 64 or 76 and every decoder skips them; blanks, other alphabets and breaks
 * elsewhere are refused. */
GW_MUST_CHECK enum gw_code saml_base64_decode(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_xml,
                                              struct gw_error *err);

GW_MUST_CHECK enum gw_code saml_scan(struct gw_str xml, struct gw_error *err);
