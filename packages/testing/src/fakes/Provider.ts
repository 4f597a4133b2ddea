/**
 * Provider: the fakes of all external services, and the problems that they report at the end.
 */
import type { Behaviour, FakeCall, Surface } from "./Fake.js"
import * as Fake from "./Fake.js"
import * as Payments from "./Payments.js"
import * as Service from "./Service.js"
import * as Shop from "./Shop.js"
import * as Stock from "./Stock.js"
import * as Taxes from "./Taxes.js"

/** The fakes of one test or of one run. */
export interface Provider {
  readonly payments: Payments.Payments
  readonly stock: Stock.Stock
  readonly taxes: Taxes.Taxes
  readonly rights: Shop.Rights
  readonly carts: Shop.ShopCarts
  /** Any other service, created when it is first named. */
  readonly service: (name: string) => Service.Service
  /**
   * Sets the behaviour of the next calls of a service, in order: `"payments"`, `"stock"`, `"taxes"`, `"rights"`,
   * `"carts"` or another.
   */
  readonly next: (service: string, ...behaviours: ReadonlyArray<Behaviour>) => void
  /** Every call that reached a service, in order of services. */
  readonly calls: () => ReadonlyArray<FakeCall>
  /** Problems, as sentences: a double charge, an action done twice, oversold stock. */
  readonly problems: () => ReadonlyArray<string>
}

/** Makes the fakes. */
export const make = (surface: Surface): Provider => {
  const planned = new Map<string, Array<Behaviour>>()
  const choose: Surface["choose"] = (service) => planned.get(service)?.shift() ?? surface.choose(service)
  const fakes: Array<Fake.Fake> = []
  const fakeOf = (name: string): Fake.Fake => {
    const fake = Fake.make(name, { ...surface, choose })
    fakes.push(fake)
    return fake
  }
  const payments = Payments.make(fakeOf("payments"))
  const stock = Stock.make(fakeOf("stock"))
  const services = new Map<string, Service.Service>()
  return {
    payments,
    stock,
    taxes: Taxes.make(fakeOf("taxes")),
    rights: Shop.makeRights(fakeOf("rights")),
    carts: Shop.makeCarts(fakeOf("carts")),
    service: (name) => {
      const service = services.get(name) ?? Service.make(fakeOf(name))
      services.set(name, service)
      return service
    },
    next: (service, ...behaviours) => {
      for (const each of behaviours)
        if (!Fake.behaviours.includes(each))
          throw new TypeError(`next: ${String(each)} must be one of ${Fake.behaviours.join(", ")}`)
      planned.set(service, [...(planned.get(service) ?? []), ...behaviours])
    },
    calls: () => fakes.flatMap(({ calls }) => calls),
    problems: () => [
      ...payments.problems(),
      ...stock.problems(),
      ...[...services.values()].flatMap((service) => service.problems())
    ]
  }
}
