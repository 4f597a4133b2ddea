/**
 * Program: the path of the command, for programs that start a server as a process. Imports nothing of the server.
 */
import { fileURLToPath } from "node:url"

/** Path of the `onelane` command, to be run with Node. */
export const onelane: string = fileURLToPath(new URL("../bin/onelane.js", import.meta.url))
