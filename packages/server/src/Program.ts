/**
 * Program: where the command is, for programs that start a server as a process. Imports nothing of the server.
 */
import { fileURLToPath } from "node:url"

/** Path of the `onelane` command, to be run by Node. */
export const onelane: string = fileURLToPath(new URL("../bin/onelane.js", import.meta.url))
