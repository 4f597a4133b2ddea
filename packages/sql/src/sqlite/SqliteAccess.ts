/**
 * SqliteAccess: why this process may not open a file: a missing folder, a folder instead of a file, a file of another
 * user, a read-only file, folder or file system. Used after SQLite refused, because its error gives no reason.
 */
import { accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"

/** The reason as a clause for the operator; null if none is found. */
export const faultOf = (path: string): string | null => {
  const folder = dirname(path)
  const place = look(folder)
  if (place === null) return mayNot(folder, constants.X_OK) ?? `the folder ${folder} does not exist`
  if (!place.isDirectory()) return `${folder} is not a folder`
  const file = look(path)
  if (file?.isDirectory()) return "it is a folder"
  if (file !== null) {
    const reading = mayNot(path, constants.R_OK)
    if (reading !== null) return `this process may not read it${ownerOf(file)}`
    const writing = mayNot(path, constants.W_OK)
    if (writing !== null) return writing === readOnly ? readOnly : `this process may not write it${ownerOf(file)}`
  }
  const besides = mayNot(folder, constants.W_OK)
  if (besides === null || besides === readOnly) return besides
  return `this process may not write to the folder ${folder}, where SQLite keeps its log${ownerOf(place)}`
}

const readOnly = "the file system is read-only"

type Found = NonNullable<ReturnType<typeof statSync>>

const look = (path: string): Found | null => {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

const mayNot = (path: string, mode: number): string | null => {
  try {
    accessSync(path, mode)
    return null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EROFS") return readOnly
    return code === "EACCES" || code === "EPERM" ? `this process may not enter ${path}` : null
  }
}

const ownerOf = ({ mode, uid }: Found): string => {
  const own = process.geteuid?.()
  const rights = `mode ${(Number(mode) & 0o777).toString(8).padStart(3, "0")}`
  return own === undefined || own === Number(uid)
    ? ` (${rights})`
    : `: it belongs to user ${uid}, this process runs as user ${own} (${rights})`
}
