/**
 * SqliteMark: how a main file says by itself whether a log belongs to it. Its `user_version` is 1 from before the first commit
 * until all of the log is in it: a copy of the main file alone shows that something is missing.
 */

/** `user_version` of a file whose log belongs to it. */
export const withLog = 1

/** `user_version` of a file that needs no log. */
export const alone = 0
