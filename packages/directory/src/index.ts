/** Users, accounts, stores and carts: the built-in implementation of the ports of `@onelane/checkout`. */
export * as Directory from "./Directory.js"
export * as DirectoryCache from "./DirectoryCache.js"
export * as DirectoryMemory from "./DirectoryMemory.js"
