/**
 * TidyCitations: what code, tests and documents cite must exist. Three forms are checked: a section or step of the
 * contract (`CONTRACT §3, step 8`), a numbered rule of a document (`PROTOCOL W3`, `TARGETS F4`), and a relative link of
 * a Markdown file.
 *
 * Owns the forms of a citation; does not own any document. A document is cited by its file name in capitals.
 */
import type { Repository } from "./Repository.js"
import type { Rule, Violation } from "./Tidy.js"

const violation = (rule: Rule, path: string, line: number, message: string): Violation => ({
  rule,
  path,
  line,
  message
})

/** Every citation of something that does not exist. */
export const check = (repository: Repository): ReadonlyArray<Violation> => {
  const documents = documentsOf(repository)
  return [...repository.files].flatMap(([path, body]) => [
    ...(/\.(tsx?|mjs|md)$/.test(path) ? citations(path, body, documents) : []),
    ...(path.endsWith(".md") ? links(path, body, repository) : [])
  ])
}

/** What can be cited of one document: `§3`, `§3 step 8`, `W3`. */
type Document = ReadonlySet<string>

/** Documents by the name they are cited by: CONTRACT for `docs/CONTRACT.md`. */
const documentsOf = (repository: Repository): ReadonlyMap<string, Document> => {
  const documents = new Map<string, Set<string>>()
  for (const [path, body] of repository.files) {
    const name = /(?:^|\/)([A-Z]{4,})\.md$/.exec(path)?.[1]
    if (name === undefined) continue
    const marks = documents.get(name) ?? new Set<string>()
    for (const mark of marksOf(body)) marks.add(mark)
    documents.set(name, marks)
  }
  return documents
}

// A section is a heading `## §3 …`; a step is a numbered row of a table in it; a rule is `**W3**`, or `| F3 |` in a
// table.
const marksOf = (body: string): ReadonlyArray<string> => {
  const marks: Array<string> = []
  let section = ""
  for (const line of body.split("\n")) {
    const heading = /^#+ (§\d+)\b/.exec(line)?.[1]
    if (heading !== undefined) marks.push((section = heading))
    const step = /^\| (\d+) \|/.exec(line)?.[1]
    if (step !== undefined) marks.push(`${section} step ${step}`)
    const rule = /^\| ([A-Z]\d+b?) \|/.exec(line)?.[1] ?? /^(?:[*-] |\| )?\*\*([A-Z]\d+b?)\*\*/.exec(line)?.[1]
    if (rule !== undefined) marks.push(rule)
  }
  return marks
}

const section = /\b([A-Z]{4,})(?:\.md)? (§\d+(?:(?:-|, | and )§\d+)*)(?:,? steps? (\d+(?:(?:-|, | and )\d+)*))?/g
const stepsOf = /\b[Ss]teps? (\d+(?:(?:-|, | and )\d+)*) of ([A-Z]{4,}) (§\d+)/g
const rules = /\b([A-Z]{4,}),? ([A-Z]\d+b?(?:(?:-|, | and )[A-Z]\d+b?)*)/g

/** A target by its number alone, as the benchmark's rows and the instruments cite it. */
const target = /(?<![\w.#%/-])[PF]\d{1,2}b?(?![\w%-])/g

const citations = (path: string, body: string, documents: ReadonlyMap<string, Document>): ReadonlyArray<Violation> => {
  // A citation may go on in the next line of a comment.
  const text = body.replace(/\n\s*\*? ?/g, (gap) => ` ${"\0".repeat(gap.length - 1)}`)
  const found: Array<Violation> = []
  const judge = (at: number, name: string, marks: ReadonlyArray<string>): void => {
    const line = body.slice(0, at).split("\n").length
    const document = documents.get(name)
    if (document === undefined) found.push(violation("stale citation", path, line, `there is no ${name}.md`))
    else {
      for (const mark of marks.filter((each) => !document.has(each)))
        found.push(violation("stale citation", path, line, `${name} has no ${mark}`))
    }
  }
  const clean = text.replaceAll("\0", "")
  const offsets = offsetsOf(text)
  for (const { 0: whole, 1: name, 2: sections, 3: steps, index } of clean.matchAll(section)) {
    if (whole === undefined) continue
    const named = each(sections!, "§")
    judge(offsets[index]!, name!, [...named, ...each(steps ?? "", "").map((step) => `${named.at(-1)} step ${step}`)])
  }
  for (const { 1: steps, 2: name, 3: of, index } of clean.matchAll(stepsOf))
    judge(
      offsets[index]!,
      name!,
      each(steps!, "").map((step) => `${of} step ${step}`)
    )
  for (const { 1: name, 2: named, index } of clean.matchAll(rules))
    if (documents.has(name!)) judge(offsets[index]!, name!, each(named!, named![0]!))
  if (documents.has("TARGETS"))
    for (const { 0: number, index } of clean.matchAll(target)) judge(offsets[index]!, "TARGETS", [number])
  return found
}

/** Where each character of the text without filling stood in the text with it. */
const offsetsOf = (text: string): ReadonlyArray<number> => {
  const offsets: Array<number> = []
  for (let at = 0; at < text.length; at += 1) if (text[at] !== "\0") offsets.push(at)
  return offsets
}

/** `W1-W3, W5` to W1, W2, W3, W5; the sign stands before each number. */
const each = (list: string, sign: string): ReadonlyArray<string> =>
  list.split(/, | and /).flatMap((part) => {
    const [first, last = first] = part.split("-").map((one) => one.slice(sign.length))
    const [from, to] = [Number(first), Number(last)]
    if (Number.isNaN(from) || Number.isNaN(to)) return part === "" ? [] : [part]
    return part === "" ? [] : Array.from({ length: to - from + 1 }, (_, index) => `${sign}${from + index}`)
  })

const link = /\]\(([^)\s]+)\)/g

/** Links to files of the kinds a `Repository` holds, and to folders. */
const links = (path: string, body: string, { files }: Repository): ReadonlyArray<Violation> =>
  body.split("\n").flatMap((text, index) =>
    [...text.matchAll(link)].flatMap(([, target]) => {
      const [file] = target!.split("#")
      if (/^[a-z]+:/.test(target!) || file === "") return []
      const resolved = resolve(path, file!)
      const isFolder = [...files.keys()].some((each) => each.startsWith(`${resolved.replace(/\/$/, "")}/`))
      const isKept = /\.(tsx?|mts|mjs|md|json)$/.test(resolved)
      if (files.has(resolved) || isFolder || (!isKept && /\.\w+$/.test(resolved))) return []
      return [violation("stale link", path, index + 1, `${target} leads nowhere`)]
    })
  )

const resolve = (path: string, target: string): string => {
  const steps = path.split("/").slice(0, -1)
  for (const step of target.split("/")) {
    if (step === "..") steps.pop()
    else if (step !== ".") steps.push(step)
  }
  return steps.join("/")
}
