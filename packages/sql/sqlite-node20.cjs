/** SQLite for Node 20: the `node:sqlite` API for a Node that has none, and the file that a thread loads it from. */
const load = () => {
  try {
    return require("@onelane/sqlite20")
  } catch (missing) {
    if (missing.code !== "MODULE_NOT_FOUND") throw missing
    return require("@photostructure/sqlite") // a host may have installed it itself
  }
}

exports.DatabaseSync = load().DatabaseSync
exports.filename = __filename
