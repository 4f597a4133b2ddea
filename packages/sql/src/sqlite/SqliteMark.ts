/**
 * SqliteMark: the mark in a main file that says whether a log belongs to it. `user_version` is 1 from before the first
 * commit until the whole log is checkpointed. So a copy of the main file alone shows that its log is missing.
 */

/** `user_version` of a file whose log belongs to it. */
export const withLog = 1

/** `user_version` of a file that needs no log. */
export const alone = 0
