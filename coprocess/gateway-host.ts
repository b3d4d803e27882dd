import type { Host, HostLog } from '../drivers/driver.ts';

/** Answers what plugins ask of the gateway: keys, storage, events. Rejects with what is wrong. */
export type HostServices = (service: string, args: unknown) => Promise<unknown>;

/**
 * The host that drivers get in a coprocess that serves gateways: what a plugin asks goes to a gateway that installed its set, the one
 * that attached last. Without a gateway the coprocess's own services answer, if it was given any.
 */
export class GatewayHost implements Host {
  readonly log: HostLog;
  private readonly own: HostServices | undefined;
  /** Attached gateways, and the digests of the sets they installed. */
  private readonly gateways = new Map<HostServices, Set<string>>();

  constructor(log: HostLog, own?: HostServices) {
    this.log = log;
    this.own = own;
  }

  /** A gateway is there. Returns where the digests of its sets are to be kept. */
  attach(gateway: HostServices): Set<string> {
    const digests = new Set<string>();
    this.gateways.set(gateway, digests);
    return digests;
  }

  detach(gateway: HostServices): void {
    this.gateways.delete(gateway);
  }

  request(service: string, args: unknown): Promise<unknown> {
    return this.ask([...this.gateways.keys()].at(-1), service, args);
  }

  /** The host for the hooks of one plugin set. */
  forSet(digest: string): Host {
    return {
      log: this.log,
      request: (service, args) => {
        let asked: HostServices | undefined;
        for (const [gateway, digests] of this.gateways) if (digests.has(digest)) asked = gateway;
        return this.ask(asked, service, args);
      },
    };
  }

  private ask(gateway: HostServices | undefined, service: string, args: unknown): Promise<unknown> {
    const services = gateway ?? this.own;
    if (services !== undefined) return services(service, args);
    return Promise.reject(
      new Error(`no gateway is attached that could answer "${service}", and this coprocess has no store of its own`),
    );
  }
}
