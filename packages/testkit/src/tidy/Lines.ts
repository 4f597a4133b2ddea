/**
 * Lines: how many lines the repository has, by what they are for: the product, and everything beside it.
 *
 * Pure, on a `Repository`. A line with nothing on it does not count; a comment does. JSON does not count.
 */
import { manifestsOf, ownerOf, type Repository } from "./Repository.js"

/** What a file is for. */
export type Purpose = "product" | "tests" | "test kit" | "bench" | "examples" | "documents" | "tools"

/** Files and lines of one purpose. */
export interface Count {
  readonly files: number
  readonly lines: number
}

const purposeOf = (path: string, isPrivate: boolean): Purpose => {
  if (path.endsWith(".md")) return "documents"
  if (/(^|\/)test\//.test(path)) return "tests"
  if (path.startsWith("bench/")) return "bench"
  if (path.startsWith("examples/")) return "examples"
  if (!path.startsWith("packages/")) return "tools"
  if (isPrivate) return "test kit"
  return /^packages\/[^/]+\/(src|bin)\//.test(path) ? "product" : "tools"
}

/** Counts by purpose; the product is the sources of every package that is published. */
export const count = (repository: Repository): ReadonlyMap<Purpose, Count> => {
  const manifests = manifestsOf(repository)
  const hidden = new Set(
    [...repository.files]
      .filter(([path, body]) => path.endsWith("package.json") && JSON.parse(body).private === true)
      .map(([path]) => path.slice(0, -"/package.json".length))
  )
  const counts = new Map<Purpose, Count>()
  for (const [path, body] of repository.files) {
    if (path.endsWith(".json")) continue
    const purpose = purposeOf(path, hidden.has(ownerOf(manifests, path)?.directory ?? ""))
    const { files, lines } = counts.get(purpose) ?? { files: 0, lines: 0 }
    counts.set(purpose, {
      files: files + 1,
      lines: lines + body.split("\n").filter((line) => line.trim() !== "").length
    })
  }
  return counts
}

/** The counts as a table, the product first; the last line is everything else together. */
export const render = (counts: ReadonlyMap<Purpose, Count>): string => {
  const row = (name: string, { files, lines }: Count): string =>
    `${name.padEnd(16)}${String(files).padStart(6)} files${lines.toLocaleString("en-US").padStart(10)} lines`
  const others = [...counts].filter(([purpose]) => purpose !== "product").sort((a, b) => b[1].lines - a[1].lines)
  const sum = others.reduce<Count>(
    (all, [, { files, lines }]) => ({ files: all.files + files, lines: all.lines + lines }),
    { files: 0, lines: 0 }
  )
  return [
    row("product", counts.get("product") ?? { files: 0, lines: 0 }),
    ...others.map(([purpose, each]) => row(purpose, each)),
    row("everything else", sum)
  ].join("\n")
}
