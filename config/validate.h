/* validate: what no single key can say wrong: two apps that claim the same host, a listener that both faces use, roles
 * that nobody defines. Inside config/ only. */
#pragma once

#include "config/reader.h"

GW_MUST_CHECK enum gw_code config_validate(struct config_reader *reader, const struct config_node *root,
                                           const struct config *config);
