import type { UpstreamTls } from '../definitions/api.ts';
import type { ResolvedUpstreamOptions } from './options.ts';
import { Origin } from './origin.ts';
import { UpstreamError, type UpstreamRequest } from './upstream.ts';

/** Beyond this, the oldest idle ones go: a target that a URL rewrite computes can name any number of hosts. */
const maxOrigins = 1024;

/** All upstream hosts in use. Those that are checked differently in TLS share no connections. */
export class Origins {
  private readonly options: ResolvedUpstreamOptions;
  private readonly byName = new Map<string, Origin[]>();
  private size = 0;

  constructor(options: ResolvedUpstreamOptions) {
    this.options = options;
  }

  /** @throws {UpstreamError} `FAILED` when the origin is none. */
  of(to: UpstreamRequest): Origin {
    const known = this.byName.get(to.origin);
    if (known !== undefined) {
      for (const origin of known) if (sameTls(origin.tls, to.tls)) return origin;
    }
    return this.add(to, known ?? []);
  }

  async close(): Promise<void> {
    const all = [...this.byName.values()].flat();
    this.byName.clear();
    await Promise.all(all.map((origin) => origin.close()));
  }

  private add(to: UpstreamRequest, known: Origin[]): Origin {
    if (this.size >= maxOrigins) this.dropIdle();
    try {
      const origin = new Origin(to.origin, to.tls, this.options);
      known.push(origin);
      this.byName.set(to.origin, known);
      this.size += 1;
      return origin;
    } catch (cause) {
      throw new UpstreamError('FAILED', `the request cannot be sent: ${(cause as Error).message}`, { cause });
    }
  }

  private dropIdle(): void {
    for (const [name, origins] of this.byName) {
      if (origins.some((origin) => origin.active > 0)) continue;
      this.byName.delete(name);
      this.size -= origins.length;
      // Nothing is under way on them, so there is nothing to hear of.
      for (const origin of origins) origin.close().catch(() => {});
      if (this.size < maxOrigins) return;
    }
  }
}

function sameTls(a: UpstreamTls, b: UpstreamTls): boolean {
  return (
    a === b ||
    (a.insecureSkipVerify === b.insecureSkipVerify &&
      a.ca === b.ca &&
      a.minVersion === b.minVersion &&
      a.maxVersion === b.maxVersion &&
      a.ciphers === b.ciphers)
  );
}
