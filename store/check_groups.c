#include "store/check_groups.h"

#include "store/members.h"

enum gw_code store_group_check(struct store_view *view, struct gw_str key, struct gw_str value,
                               struct store_group *ret_group, struct gw_error *err)
{
    struct store_set set;
    if (!store_group_decode(key, value, ret_group))
        return store_fail_damaged(err, STORE_TABLE_GROUPS, "a record makes no sense");
    enum gw_code code = store_set_load(view, ret_group->folder, ret_group->set, &set, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && set.group != ret_group->seq))
        return store_fail_damaged(err, STORE_TABLE_SETS, "a group has no set of its own");
    return code;
}
