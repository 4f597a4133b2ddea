/** ShopModule: the checkout, its API below /shops/{shop}/checkout, and its shutdown. */
import {
  type BeforeApplicationShutdown,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule
} from "@nestjs/common"
import { toNodeHandler } from "@onelane/sdk/server"
import { callerOf, open, type Shop, shop } from "./Shop.js"
import { ShopController } from "./ShopController.js"

/** The one module of this shop. */
@Module({ providers: [{ provide: shop, useFactory: open }], controllers: [ShopController] })
export class ShopModule implements NestModule, BeforeApplicationShutdown {
  constructor(@Inject(shop) private readonly checkout: Shop) {}

  configure(consumer: MiddlewareConsumer): void {
    const api = toNodeHandler(this.checkout, { authenticate: callerOf, basePath: "/shops/:shop/checkout" })
    consumer.apply(api).forRoutes("/shops/:shop/checkout/*path")
  }

  /** Runs before the server closes, because the server waits for its streams. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.checkout.close()
  }
}
