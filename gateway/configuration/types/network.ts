export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface Listener {
  readonly address: Address;
  readonly tls: ListenerTls | undefined;
  /** HTTP/2: by ALPN with TLS, by prior knowledge without. */
  readonly http2: boolean;
  /** HTTP/1.1 connections stay open between requests. */
  readonly keepAlive: boolean;
}

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface ListenerTls extends KeyPair {
  /** Certificates for other server names (SNI). */
  readonly serverNames: readonly (KeyPair & { readonly name: string })[];
  /** When given, clients must show a certificate that it signed. */
  readonly ca: string | undefined;
  /** Ask clients for a certificate; without `ca` any is taken, and none as well. */
  readonly requestClientCertificate: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL cipher list; undefined: Node's. */
  readonly ciphers: string | undefined;
}

/** How we show ourselves to, and check, a server that we call. PEM texts. */
export interface ClientTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Name to check in the server's certificate instead of the target's host. */
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

export interface Control {
  readonly enabled: boolean;
  /** undefined: on the listeners themselves, beside the APIs. */
  readonly address: Address | undefined;
  /** Of its own address. */
  readonly tls: ListenerTls | undefined;
  /** What `X-Tyk-Authorization` must carry. undefined: `/tyk/*` is not served; health, readiness and metrics are. */
  readonly secret: string | undefined;
  /** Host name that the control API answers to; undefined: any. */
  readonly hostname: string | undefined;
  /** Paths with a leading slash. */
  readonly healthPath: string;
  readonly readyPath: string;
}
