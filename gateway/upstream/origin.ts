import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { UpstreamTls } from '../definitions/api.ts';
import { type Address, parseOrigin, serverName, tlsChecks } from './connect.ts';
import { createHttp1Pool } from './http1/pool.ts';
import { Http2Sessions, type NotHttp2 } from './http2/sessions.ts';
import type { ResolvedUpstreamOptions } from './options.ts';

/** One upstream host: its connections, and which protocol it speaks. */
export class Origin {
  readonly address: Address;
  readonly tls: UpstreamTls;
  /** `http2` over TLS is a hope, until a connection says otherwise. */
  protocol: 'http1' | 'http2';
  /** Requests under way. */
  active = 0;
  private readonly options: ResolvedUpstreamOptions;
  private pool: Dispatcher | undefined;
  private sessions: Http2Sessions | undefined;
  private spare: Socket | undefined;

  /** @throws {TypeError} when the text is no origin. */
  constructor(origin: string, tls: UpstreamTls, options: ResolvedUpstreamOptions) {
    this.address = parseOrigin(origin);
    this.tls = tls;
    this.options = options;
    this.protocol = this.address.scheme === 'http' ? 'http1' : 'http2';
  }

  get http1(): Dispatcher {
    if (this.pool === undefined) {
      const { scheme, host, port } = this.address;
      const origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
      this.pool = createHttp1Pool(origin, this.options, tlsChecks(this.tls), () => this.takeSpare());
    }
    return this.pool;
  }

  get http2(): Http2Sessions {
    this.sessions ??= new Http2Sessions(this.address, this.tls, this.options);
    return this.sessions;
  }

  /** Name to ask for in TLS, when undici is not to take that of `Host`. */
  get serverName(): string | undefined {
    return this.address.scheme === 'https' ? (serverName(this.address.host) ?? this.address.host) : undefined;
  }

  /** From now on HTTP/1.1 is spoken; the connection that told so is its first. */
  fallBack({ socket }: NotHttp2): void {
    this.protocol = 'http1';
    if (this.spare === socket) return;
    this.spare = socket;
    socket.on('error', () => {});
  }

  async close(): Promise<void> {
    this.takeSpare()?.destroy();
    this.sessions?.destroy();
    await this.pool?.destroy();
  }

  private takeSpare(): Socket | undefined {
    const socket = this.spare;
    this.spare = undefined;
    return socket === undefined || socket.destroyed ? undefined : socket;
  }
}
