/** The API of `node:sqlite`. */
export const DatabaseSync: new (filename: string) => object
/** The file that a thread loads this module from. */
export const filename: string
