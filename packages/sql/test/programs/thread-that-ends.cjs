/** A committing thread that is ready and ends at the first thing it is asked. It runs as text. */
const { parentPort } = require("node:worker_threads")

parentPort.on("message", () => process.exit(0))
parentPort.postMessage({ rows: "[]" })
