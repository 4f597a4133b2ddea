/** ShopController: routes of the shop's own. Its errors are answered as the API answers them. */
import { pipeline } from "node:stream/promises"
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Req,
  Res,
  UnauthorizedException,
  UseFilters
} from "@nestjs/common"
import { OnelaneError } from "@onelane/sdk"
import { sseHeaders, toHttp, toSse } from "@onelane/sdk/server"
import type { Request, Response } from "express"
import { callerOf, type Shop, shop } from "./Shop.js"

/** Answers an error of the checkout. */
@Catch(OnelaneError)
export class CheckoutErrors implements ExceptionFilter {
  catch(error: OnelaneError, host: ArgumentsHost): void {
    const { body, headers, status } = toHttp(error)
    host.switchToHttp().getResponse<Response>().writeHead(status, headers).end(body)
  }
}

/** The routes. */
@Controller()
@UseFilters(CheckoutErrors)
export class ShopController {
  constructor(@Inject(shop) private readonly checkout: Shop) {}

  @Post("carts/:cart/cancel")
  @HttpCode(200)
  async cancel(@Param("cart") cartId: string, @Req() request: Request) {
    const { session } = await this.as(request).cancelOrThrow({ cartId })
    return { cancelled: session?.id ?? null }
  }

  @Get("sessions/:session/changes")
  async changes(@Param("session") checkoutSessionId: string, @Req() request: Request, @Res() response: Response) {
    const seen = request.get("last-event-id")
    const afterVersion = seen === undefined ? 0 : Number(seen)
    const changes = this.as(request).changes({ checkoutSessionId, afterVersion })
    response.writeHead(200, sseHeaders).flushHeaders()
    // It rejects when the client disconnects, which is not an error.
    await pipeline(toSse(changes), response).catch(() => {})
  }

  private as(request: Request) {
    const caller = callerOf(request)
    if (caller === null) throw new UnauthorizedException()
    return this.checkout.as(caller)
  }
}
