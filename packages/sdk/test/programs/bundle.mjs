/** Bundles a program: `bundle.mjs <bundler> <program> <folder>`. Writes `server.mjs` or `server.cjs` there. */
import commonjs from "@rollup/plugin-commonjs"
import json from "@rollup/plugin-json"
import nodeResolve from "@rollup/plugin-node-resolve"
import * as esbuild from "esbuild"
import { rollup } from "rollup"
import webpack from "webpack"

const [, , bundler, entry, folder] = process.argv

const byEsbuild = async (options) => {
  const { warnings } = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    target: "node20",
    logLevel: "error",
    ...options
  })
  return warnings.map(({ text }) => text)
}

const byRollup = async () => {
  const warnings = []
  const built = await rollup({
    input: entry,
    onwarn: ({ id, message }) => void (id?.includes("@onelane") && warnings.push(message)),
    plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ["node"] }), commonjs(), json()]
  })
  await built.write({ dir: folder, format: "cjs", entryFileNames: "server.cjs", chunkFileNames: "[name].cjs" })
  return warnings
}

const byWebpack = (minimize) =>
  new Promise((resolve, reject) => {
    const options = {
      mode: "production",
      target: "node20",
      entry,
      optimization: { minimize },
      output: { path: folder, filename: "server.cjs", chunkFilename: "[name].cjs" }
    }
    webpack(options, (failed, stats) => {
      if (failed) return reject(failed)
      const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true })
      if (errors.length > 0) return reject(new Error(errors[0].message))
      // `pg` and `ws` look for parts that nobody has installed.
      const ours = warnings.filter(({ moduleName }) => /packages|@onelane/.test(moduleName))
      resolve(ours.map(({ message, moduleName }) => `${moduleName}: ${message}`))
    })
  })

const bundlers = {
  "esbuild, ESM": () => byEsbuild({ format: "esm", outfile: `${folder}/server.mjs` }),
  "esbuild, ESM, split": () =>
    byEsbuild({
      format: "esm",
      splitting: true,
      outdir: folder,
      entryNames: "server",
      outExtension: { ".js": ".mjs" }
    }),
  "esbuild, CommonJS, minified": () =>
    byEsbuild({ format: "cjs", outfile: `${folder}/server.cjs`, minify: true, keepNames: true }),
  "rollup, CommonJS": byRollup,
  webpack: () => byWebpack(true),
  "webpack, not minified": () => byWebpack(false)
}

process.stdout.write(`${JSON.stringify(await bundlers[bundler]())}\n`)
