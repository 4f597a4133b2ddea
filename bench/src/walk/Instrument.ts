/**
 * Instrument: built JavaScript in, the same program out, in which every function tells a recorder that it starts and ends.
 *
 * Pure. A generator or an async function only tells that it starts: it is left and entered again before it ends.
 */
import ts from "typescript"

type Function = ts.FunctionLikeDeclaration & { readonly body: ts.Node }

interface Edit {
  readonly at: number
  readonly text: string
}

/** `path` is what the recorder knows the file by. */
export const instrument = (path: string, code: string): string => {
  const file = ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  const names: Array<string> = []
  const edits: Array<Edit> = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      names.push(nameOf(node))
      edits.push(...around(node as Function, names.length - 1))
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  const head = `const $walk=globalThis.$walk,$walked=$walk.file(${JSON.stringify(path)},${JSON.stringify(names)});`
  return head + apply(code, edits)
}

const apply = (code: string, edits: ReadonlyArray<Edit>): string => {
  let text = ""
  let from = 0
  for (const edit of edits
    .map((each, order) => ({ ...each, order }))
    .sort((a, b) => a.at - b.at || a.order - b.order)) {
    text += code.slice(from, edit.at) + edit.text
    from = edit.at
  }
  return text + code.slice(from)
}

const around = (node: Function, id: number): ReadonlyArray<Edit> => {
  const { body } = node
  const [enter, leave] = [`$walk.enter($walked+${id});`, "}finally{$walk.leave()}"]
  const isBlock = ts.isBlock(body)
  if (isLeft(node)) {
    const touch = `$walk.touch($walked+${id})`
    return isBlock
      ? [{ at: body.getStart() + 1, text: `${touch};` }]
      : [
          { at: body.getStart(), text: `(${touch},` },
          { at: body.end, text: ")" }
        ]
  }
  return isBlock
    ? [
        { at: body.getStart() + 1, text: `${enter}try{` },
        { at: body.end - 1, text: leave }
      ]
    : [
        { at: body.getStart(), text: `{${enter}try{return(` },
        { at: body.end, text: `)${leave}}` }
      ]
}

/** Whether a call of it returns before its body has ended. */
const isLeft = (node: Function): boolean =>
  node.asteriskToken !== undefined ||
  (ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true)

/** Its own name, or that of what it is assigned to, or its line. */
const nameOf = (node: ts.SignatureDeclaration): string => {
  const { parent } = node
  if (node.name !== undefined) return node.name.getText()
  if (ts.isConstructorDeclaration(node)) return `new ${(parent as ts.ClassDeclaration).name?.text ?? ""}`
  const isNamed =
    ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)
  if (isNamed) return parent.name.getText()
  const line = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1
  return `(line ${line})`
}
