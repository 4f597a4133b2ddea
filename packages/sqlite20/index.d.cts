/** The API of `node:sqlite`. */
export { DatabaseSync } from "@photostructure/sqlite"
