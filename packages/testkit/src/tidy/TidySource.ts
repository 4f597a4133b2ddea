/**
 * TidySource: the rules that look at one source file, on the compiler's own tree of it.
 *
 * Owns lengths, words in names, calls, docstrings; reads imports for `TidyTree`. Does not own any limit or list.
 */
import ts from "typescript"
import type { Rule, TidyConfig, Violation } from "./Tidy.js"

/** A parsed file. */
export type SourceFile = ts.SourceFile

/** Parses one file; `path` is relative to the repository. */
export const parse = (path: string, text: string): SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)

/** Every violation of one file. */
export const check = (file: SourceFile, config: TidyConfig): ReadonlyArray<Violation> => [
  ...lengths(file, config),
  ...names(file, config),
  ...calls(file, config),
  ...(/^packages\/[^/]+\/src\//.test(file.fileName) ? docstrings(file) : [])
]

/** A module a file imports, and where. Static, dynamic and re-exporting imports count. */
export interface Import {
  readonly module: string
  readonly line: number
}

/** Every module a file imports by a literal name. */
export const importsOf = (file: SourceFile): ReadonlyArray<Import> => {
  const found: Array<Import> = []
  walk(file, (node) => {
    const named =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined
    if (named !== undefined && ts.isStringLiteral(named)) found.push({ module: named.text, line: lineOf(node) })
  })
  return found
}

const walk = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

const lineOf = (node: ts.Node): number => {
  const file = node.getSourceFile()
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

const violation = (rule: Rule, node: ts.Node, message: string): Violation => ({
  rule,
  path: node.getSourceFile().fileName,
  line: node.kind === ts.SyntaxKind.SourceFile ? 1 : lineOf(node),
  message
})

const lengths = (file: SourceFile, config: TidyConfig): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  walk(file, (node) => {
    if (!ts.isFunctionLike(node) || registersTests(node)) return
    const span = file.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(node)
    if (span > config.functionLines) {
      found.push(violation("function length", node, `${span} lines, ${config.functionLines} at most`))
    }
  })
  return found
}

const registering = /^(describe|it|test|layer)\b/

/** A function whose own statements register tests is a table of contents, not a function to be kept short. */
const registersTests = (node: ts.SignatureDeclaration): boolean => {
  const body = "body" in node ? (node.body as ts.Node | undefined) : undefined
  if (body === undefined) return false
  const statements = ts.isBlock(body)
    ? body.statements.map((s) => (ts.isExpressionStatement(s) ? s.expression : s))
    : [body]
  return statements.some((each) => ts.isCallExpression(each) && registering.test(each.expression.getText()))
}

/** `fooBarURLs2` to foo, bar, urls. */
const wordsOf = (name: string): ReadonlyArray<string> =>
  name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).map((word) => word.toLowerCase())

const names = (file: SourceFile, config: TidyConfig): ReadonlyArray<Violation> => {
  const banned = Object.entries(config.words)
    .filter(([, places]) => !places.some((place) => file.fileName.startsWith(place)))
    .map(([word]) => word)
  const judge = (node: ts.Node, name: string): ReadonlyArray<Violation> =>
    wordsOf(name)
      .flatMap((word) => banned.filter((each) => word === each || word === `${each}s`))
      .map((word) => violation("banned word", node, `${name} says "${word}"`))
  const found = [...judge(file, file.fileName.slice(file.fileName.lastIndexOf("/") + 1))]
  walk(file, (node) => {
    if (isNaming(node) && node.name !== undefined && ts.isIdentifier(node.name)) {
      found.push(...judge(node, node.name.text))
    }
  })
  return found
}

const isNaming = (node: ts.Node): node is ts.NamedDeclaration =>
  ts.isVariableDeclaration(node) ||
  ts.isParameter(node) ||
  ts.isBindingElement(node) ||
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isEnumDeclaration(node) ||
  ts.isPropertySignature(node)

const calls = (file: SourceFile, config: TidyConfig): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  walk(file, (node) => {
    const call = bannable(node)
    if (call === undefined) return
    const places = config.calls[call]
    if (places === undefined || places.some((place) => file.fileName.startsWith(place))) return
    found.push(violation("banned call", node, call))
  })
  return found
}

/** The entry of the list a node would fall under. */
const bannable = (node: ts.Node): string | undefined => {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    return `${node.expression.text}.${node.name.text}`
  }
  if (ts.isNewExpression(node)) return `new ${node.expression.getText()}(${node.arguments?.length ? "…" : ""})`
  return ts.isAsExpression(node) && node.type.kind === ts.SyntaxKind.AnyKeyword ? "as any" : undefined
}

/** A name is documented when any of its declarations is (a schema and its type share one docstring). */
const docstrings = (file: SourceFile): ReadonlyArray<Violation> => {
  const undocumented = new Map<string, ts.Node>()
  const documented = new Set<string>()
  for (const statement of file.statements) {
    const isExported =
      ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)
    if (!isExported) continue
    const declared = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations
      : [statement as ts.NamedDeclaration]
    for (const declaration of declared) {
      const name = declaration.name?.getText() ?? "default"
      if (ts.getJSDocCommentsAndTags(declaration).length > 0) documented.add(name)
      else if (!undocumented.has(name)) undocumented.set(name, statement)
    }
  }
  return [...undocumented]
    .filter(([name]) => !documented.has(name))
    .map(([name, node]) => violation("docstring", node, `${name} has none`))
}
