/** SQLite for Node 20: the `node:sqlite` API for a Node that has none, and the file that a thread loads it from. */
exports.DatabaseSync = require("@photostructure/sqlite").DatabaseSync
exports.filename = __filename
