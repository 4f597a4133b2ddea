#!/usr/bin/env node
import { fault } from "@onelane/engine/EffectVersion"

const sentence = fault()
if (sentence === null) await import("../dist/main.js")
else {
  process.stderr.write(`${sentence}\n`)
  process.exitCode = 2
}
