/* SPDX-License-Identifier: MIT */
/* tally_members: a handle names a member, which lists the groups that its metrics belong to. */
#include "tally_inside.h"

#include "prune.h"

bool tally_forget_members(struct tally *tally)
{
    for (uint32_t i = 0; i < tally->series_words.n; i++)
        pool_free(&tally->pool, tally->members[i].groups);
    words_clear(&tally->series_words);
    tally->epoch++;
    uint32_t any;
    return tally_needs_series(tally) || tally_group(tally, (struct slice){ "", 0 }, &any);
}

static bool grow_groups(struct tally *tally)
{
    uint32_t capacity = tally->group_words.capacity;
    struct group *groups = pool_grow(&tally->pool, tally->groups, tally->groups_capacity * sizeof(groups[0]),
                                     capacity * sizeof(groups[0]));
    if (groups == NULL)
        return false;
    tally->groups = groups;
    tally->groups_capacity = capacity;
    return true;
}

/* The number of a group, made if it is new in the first turn, or if it stands for all; *ret_known is false where it is
 * not to be made. */
static bool find_group(struct tally *tally, struct slice text, uint32_t *ret_group, bool *ret_known)
{
    *ret_known = true;
    if (tally->n_begun > 1 && tally->plan->group_by != GROUP_NONE) {
        *ret_known = words_find(&tally->group_words, text, ret_group) && tally->groups[*ret_group].n_metrics > 0;
        return true;
    }
    return words_put(&tally->group_words, text, ret_group) &&
           (tally->group_words.n <= tally->groups_capacity || grow_groups(tally));
}

static bool add_group(struct tally *tally, struct member *member, struct slice text)
{
    uint32_t group;
    bool known;
    if (!find_group(tally, text, &group, &known))
        return false;
    if (!known)
        return true;
    if (member->groups != NULL)
        member->groups[member->n_groups] = group;
    else
        member->group = group;
    member->n_groups++;
    return true;
}

static struct slice name_of(struct slice series)
{
    const char *end = series.len == 0 ? NULL : memchr(series.data, '\0', series.len);
    return (struct slice){ series.data, end == NULL ? series.len : (size_t)(end - series.data) };
}

/* Adds the groups of the series' tags. */
static bool add_tags(struct tally *tally, struct member *member, struct slice series)
{
    unsigned n_tags = 0;
    for (size_t i = 0; i < series.len; i++)
        n_tags += series.data[i] == '\0';
    if (n_tags > 1 && (member->groups = pool_alloc(&tally->pool, n_tags * sizeof(member->groups[0]))) == NULL)
        return false;
    size_t at = name_of(series).len;
    while (at < series.len) {
        struct slice tag = name_of((struct slice){ series.data + at + 1, series.len - at - 1 });
        if (slice_starts_with(tag, tally->plan->tag_prefix) && !add_group(tally, member, tag))
            return false;
        at += 1 + tag.len;
    }
    return true;
}

static bool add_groups(struct tally *tally, struct member *member, struct slice series)
{
    switch (tally->plan->group_by) {
    case GROUP_NAME:
        return add_group(tally, member, name_of(series));
    case GROUP_TAG:
        return add_tags(tally, member, series);
    default:
        return add_group(tally, member, (struct slice){ "", 0 });
    }
}

/* A new handle for a text, whose member has no groups yet; *ret_new is false when the text has one. */
static bool find_member(struct tally *tally, struct slice text, uint32_t *ret_handle, bool *ret_new)
{
    if (tally->status != STATUS_OK || !prune_if_full(tally))
        return false;
    uint32_t n = tally->series_words.n, handle = 0;
    if (!words_put(&tally->series_words, text, &handle))
        return tally_fail_pool(tally);
    uint32_t capacity = tally->series_words.capacity;
    if (capacity > tally->members_capacity) {
        struct member *members = pool_grow(&tally->pool, tally->members, tally->members_capacity * sizeof(members[0]),
                                           capacity * sizeof(members[0]));
        if (members == NULL)
            return tally_fail_pool(tally);
        tally->members = members;
        tally->members_capacity = capacity;
    }
    *ret_new = tally->series_words.n > n;
    if (*ret_new)
        tally->members[handle] = (struct member){ 0 };
    *ret_handle = handle;
    return true;
}

bool tally_series(struct tally *tally, struct slice series, uint32_t *ret_handle)
{
    uint32_t handle = 0;
    bool is_new = false;
    if (!find_member(tally, series, &handle, &is_new))
        return false;
    if (is_new && !add_groups(tally, &tally->members[handle], series))
        return tally_fail_pool(tally);
    *ret_handle = handle;
    return true;
}

bool tally_group(struct tally *tally, struct slice group, uint32_t *ret_handle)
{
    uint32_t handle = 0;
    bool is_new = false;
    if (!find_member(tally, group, &handle, &is_new))
        return false;
    if (tally->plan->group_by == GROUP_NONE)
        group.len = 0;
    if (is_new && !add_group(tally, &tally->members[handle], group))
        return tally_fail_pool(tally);
    *ret_handle = handle;
    return true;
}
