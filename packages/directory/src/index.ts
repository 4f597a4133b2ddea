/** Users, accounts, stores and carts: the built-in answer to the ports of `@onelane/checkout`. */
export * as Directory from "./Directory.js"
export * as DirectoryCache from "./DirectoryCache.js"
export * as DirectoryMemory from "./DirectoryMemory.js"
