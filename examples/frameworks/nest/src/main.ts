/** Nest: the HTTP API of a checkout below a path with a parameter, and two routes of the shop's own. */
import "reflect-metadata"
import { NestFactory } from "@nestjs/core"
import { ShopModule } from "./ShopModule.js"

const app = await NestFactory.create(ShopModule, { logger: ["error", "warn"] })
app.enableShutdownHooks()
await app.listen(Number(process.env.PORT ?? 0), "127.0.0.1")
console.log(`listening at ${await app.getUrl()}`)
