/** LinesCommand: the command `npm run lines`. */
import { fileURLToPath } from "node:url"
import { count, render } from "./tidy/Lines.js"
import { read } from "./tidy/Repository.js"

process.stdout.write(`${render(count(read(fileURLToPath(new URL("../../..", import.meta.url)))))}\n`)
