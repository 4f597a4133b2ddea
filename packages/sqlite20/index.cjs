/** The `node:sqlite` API for a Node that has none. */
exports.DatabaseSync = require("@photostructure/sqlite").DatabaseSync
