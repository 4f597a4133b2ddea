/** Dockerfile, compose.yaml and the release workflow: their form, and what of them runs without Docker. */
import { execFile } from "node:child_process"
import { accessSync, constants, existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { parse } from "yaml"
import { onelane } from "../src/Program.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"
import { inFolder, node, root, urlOf } from "./Program.js"

const text = (path: string): string => readFileSync(join(root, path), "utf8")

/** The file of the server's package that a path inside the image names. */
const inImage = (path: string): string => {
  const file = join(root, "packages/server", path.replace("/app/node_modules/@onelane/server/", ""))
  assert.isTrue(existsSync(file), `${path} is not in the package`)
  return file
}

const ends = (file: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Promise<number> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [file, ...args], { env: { ...process.env, ...env } }, () =>
      resolve(child.exitCode ?? -1)
    )
  })

describe("Dockerfile", () => {
  const lines = text("Dockerfile")
    .replace(/\\\n\s*/g, "")
    .split("\n")
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")))
  const of = (instruction: string): ReadonlyArray<string> =>
    last.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1))

  it("runs the command of the package as a user that is not root, on a Node that the packages accept", () => {
    assert.deepStrictEqual(of("USER"), ["node"])
    assert.isAbove(
      last.indexOf("USER node"),
      last.findIndex((line) => line.startsWith("RUN ")),
      "only then"
    )
    assert.match(of("FROM")[0]!, /^node:2[24]-/)
    const [program, ...args] = JSON.parse(of("ENTRYPOINT")[0]!) as ReadonlyArray<string>
    assert.strictEqual(program, "node")
    assert.strictEqual(inImage(args[0]!), join(root, "packages/server/bin/onelane.js"))
  })

  it("builds with commands that are there, from files that its context holds", () => {
    const build = lines.find((line) => line.startsWith("RUN npm ci"))!
    const { scripts } = JSON.parse(text("package.json"))
    for (const [, script] of build.matchAll(/npm run (\w+)/g)) assert.property(scripts, script!)
    for (const [, file] of build.matchAll(/node (\S+)/g)) assert.isTrue(existsSync(join(root, file!)), file)
    assert.include(text(".dockerignore").split("\n"), "**/node_modules")
    assert.include(lines, "COPY . .")
  })

  it("its environment is settings that the server accepts beside a way to identify callers", () => {
    const env = Object.fromEntries(of("ENV").flatMap((line) => line.split(" ").map((each) => each.split("="))))
    const config = Either.getOrThrowWith(
      ServeConfig.parse(["--api-keys"], env, () => ""),
      Error
    )
    assert.deepInclude(config, { host: "0.0.0.0", port: 8080, storage: "/data/checkout.db" })
  })

  it("the health check succeeds while a server is ready, and fails without one and while one is not ready", async () => {
    const [program, path] = JSON.parse(/CMD (\[.*\])/.exec(of("HEALTHCHECK")[0]!)![1]!) as ReadonlyArray<string>
    assert.strictEqual(program, "node")
    const check = (port: number | string) => ends(inImage(path!), [], { ONELANE_PORT: String(port) })
    const tokens = JSON.stringify({ secret: { userId: "ann", roles: [] } })
    const server = node([onelane, "serve", "--storage", ":memory:", "--port", "0", "--tokens", tokens])
    try {
      assert.strictEqual(await check(new URL(await urlOf(server)).port), 0)
    } finally {
      server.process.kill()
    }
    const draining = createServer((_, response) => void response.writeHead(503).end()).listen(0, "127.0.0.1")
    await new Promise((resolve) => draining.once("listening", resolve))
    const { port } = draining.address() as AddressInfo
    assert.strictEqual(await check(port), 1)
    await new Promise((resolve) => draining.close(resolve))
    assert.strictEqual(await check(port), 1)
  })
})

describe("compose.yaml", () => {
  const { services } = parse(text("compose.yaml"), { merge: true })
  const secrets = { POSTGRES_PASSWORD: "p", ONELANE_CLUSTER_SECRET: "s" }
  const filled = (value: string): string =>
    value.replace(/\$\{(\w+):\?\}/g, (_, name: keyof typeof secrets) => secrets[name] ?? assert.fail(name))

  it("two nodes of one cluster, each under its own name, with settings that the server accepts", () => {
    const { db, ...nodes } = services
    assert.lengthOf(Object.keys(nodes), 2)
    for (const [name, service] of Object.entries<any>(nodes)) {
      const written = Object.entries<string>(service.environment).map(([key, value]) => [key, filled(value)])
      const config = Either.getOrThrowWith(
        ServeConfig.parse([], Object.fromEntries(written), () => ""),
        Error
      )
      assert.deepStrictEqual(config.cluster, { host: name, port: config.clusterListen!.port })
      assert.strictEqual(config.clusterSecret, "s")
      const { hostname, password, pathname, username } = new URL(config.storage)
      assert.strictEqual(hostname, "db")
      assert.strictEqual(username, db.environment.POSTGRES_USER)
      assert.strictEqual(password, filled(db.environment.POSTGRES_PASSWORD))
      assert.strictEqual(pathname, `/${db.environment.POSTGRES_DB}`)
      assert.strictEqual(service.build, ".")
      assert.deepStrictEqual(service.depends_on, { db: { condition: "service_healthy" } })
      assert.match(service.ports[0], /^127\.0\.0\.1:\d+:8080$/)
    }
    assert.strictEqual(db.healthcheck.test[1], "pg_isready")
  })

  it("the command that it gives for a first key is one that the server has", () =>
    inFolder(async (folder) => {
      const [, command] = /run --rm one (.*)$/m.exec(text("compose.yaml"))!
      const storage = ["--storage", join(folder, "checkout.db")]
      assert.strictEqual(await ends(onelane, ["migrate", ...storage]), 0) // as every node does when it starts
      assert.strictEqual(await ends(onelane, [...command!.split(" "), ...storage]), 0)
    }))
})

describe("the release workflow", () => {
  const workflow = parse(text(".github/workflows/release.yml"))
  const steps: ReadonlyArray<{ readonly run?: string }> = workflow.jobs.release.steps

  it("starts from a tag, checks everything, and packs and publishes with programs that are there", () => {
    assert.deepStrictEqual(workflow.on, { push: { tags: ["v*"] } })
    const commands = steps.flatMap(({ run }) => run ?? [])
    assert.isTrue(commands.includes(".ci/run"))
    accessSync(join(root, ".ci/run"), constants.X_OK)
    const programs = commands.flatMap((each) => [...each.matchAll(/node (\S+\.mjs)/g)].map(([, path]) => path!))
    assert.deepStrictEqual(programs, [".ci/version.mjs", ".ci/pack.mjs", ".ci/publish.mjs"])
    for (const path of programs) assert.isTrue(existsSync(join(root, path)), path)
  })

  it("a tag that is not the version of every package is refused", async () => {
    const { version } = JSON.parse(text("packages/sdk/package.json"))
    const check = (tag: string) =>
      new Promise((resolve) => {
        const child = execFile(process.execPath, [".ci/version.mjs", tag], { cwd: root }, () => resolve(child.exitCode))
      })
    assert.strictEqual(await check(`v${version}`), 0)
    assert.strictEqual(await check("v9.9.9"), 1)
  })
})
