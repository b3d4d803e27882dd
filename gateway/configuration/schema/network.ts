import { z } from 'zod';
import { bytes, bytesOrNone, count, flag, ms, msOrNone, oneOf, pem, section, text, tlsVersion } from './parts.ts';

const keyPair = {
  cert: z
    .string()
    .min(1)
    .meta({ description: 'Certificate chain (a PEM file, or its text)', examples: ['server.pem'] }),
  key: z
    .string()
    .min(1)
    .meta({ description: 'Its private key (a PEM file, or its text)', examples: ['server-key.pem'], writeOnly: true }),
};

const listenerTls = z
  .strictObject({
    ...keyPair,
    ca: pem('Authority of client certificates: clients must show one that it signed', 'clients-ca.pem'),
    requestClientCertificate: flag(false, 'Ask clients for a certificate; without `ca` any is taken, and none as well'),
    serverNames: z
      .record(z.string(), z.strictObject(keyPair))
      .default({})
      .meta({
        description: 'Certificates for other server names (SNI), by name',
        examples: [{ 'api.example.org': { cert: 'api.pem', key: 'api-key.pem' } }],
      }),
    minVersion: oneOf(tlsVersion, 'TLSv1.2', 'Oldest TLS version that is spoken'),
    maxVersion: oneOf(tlsVersion, 'TLSv1.3', 'Newest TLS version that is spoken'),
    ciphers: text('Cipher list in the form of OpenSSL; absent: that of Node.js', 'ECDHE-RSA-AES128-GCM-SHA256'),
  })
  .optional()
  .meta({ description: 'Speak HTTPS; absent: plain HTTP' });

const listener = z.strictObject({
  address: z
    .string()
    .default('127.0.0.1:8080')
    .meta({
      description: 'Where to listen: `host:port`, `:port` for all interfaces, or `unix:PATH`',
      examples: ['127.0.0.1:8080'],
    }),
  tls: listenerTls,
  http2: flag(true, 'Speak HTTP/2 too: by ALPN with TLS, by prior knowledge (h2c) without'),
  keepAlive: flag(true, 'Keep HTTP/1.1 connections open between requests'),
});

export const listeners = z
  .array(listener)
  .min(1)
  .default([{ address: '127.0.0.1:8080', http2: true, keepAlive: true, tls: undefined }])
  .meta({
    description: 'Where clients connect',
    examples: [[{ address: '127.0.0.1:8080' }]],
  });

export const control = section('Control API (`/tyk/*`), health, readiness and metrics', {
  enabled: flag(true, 'Serve it at all'),
  address: z
    .string()
    .default('127.0.0.1:8081')
    .meta({
      description: 'Where to listen, as for listeners; `listeners`: on these themselves, beside the APIs',
      examples: ['127.0.0.1:8081'],
    }),
  tls: listenerTls,
  secret: z
    .string()
    .optional()
    .meta({
      description:
        'What callers of `/tyk/*` must send as `X-Tyk-Authorization`; absent: `/tyk/*` is not served, the rest is. Elsewhere than on loopback at least 16 characters',
      examples: ['env://INTERPOSE_SECRET'],
      writeOnly: true,
    }),
  hostname: text('Host name that the control API answers to; absent: any', 'control.example.org'),
  healthPath: z.string().startsWith('/').default('/health').meta({ description: 'Path of the health check' }),
  readyPath: z.string().startsWith('/').default('/ready').meta({ description: 'Path of the readiness check' }),
});

export const limits = section('Limits, all with working defaults', {
  hookTimeoutMs: ms(5000, 'Longest run of one hook that has no `timeoutMs` of its own'),
  requestTimeoutMs: ms(60_000, "From a request's head to its response's head, hooks and upstream included"),
  headersTimeoutMs: ms(10_000, "Longest wait for the whole of a request's head"),
  receiveTimeoutMs: msOrNone(300_000, 'Longest wait for the whole of a request; 0: no limit'),
  keepAliveTimeoutMs: ms(75_000, 'How long a connection may stay open without a request'),
  idleTimeoutMs: msOrNone(300_000, 'A request or response of which no byte moves for this long is reset; 0: never'),
  drainTimeoutMs: ms(30_000, 'How long requests in flight may take to finish when the process ends'),
  drainDelayMs: msOrNone(
    0,
    'Wait before draining, during which readiness already says no, so that load balancers notice; 0: none',
  ),
  startTimeoutMs: ms(
    30_000,
    'Listeners open after this at the latest, also when some definition is still being loaded',
  ),
  maxBodyBytes: bytes(10_485_760, 'Largest request or response body that is held in memory because a hook reads it'),
  maxRequestBodyBytes: bytesOrNone(0, 'Largest request body at all, streamed ones included; 0: no limit'),
  maxResponseBodyBytes: bytesOrNone(0, 'Largest response body at all, streamed ones included; 0: no limit'),
  maxHeaderBytes: bytes(65_536, "Largest head of a request, in HTTP/2 a stream's header list"),
  maxQueuedCalls: count(
    4096,
    'Calls that may wait for a coprocess, guest or plugin server; more fail at once as overload',
  ),
  maxConcurrentStreams: count(250, 'HTTP/2 streams open at once on one connection'),
  maxConnections: count(10_000, 'Connections open at once on one listener'),
});

export const routing = section('How requests find APIs and endpoints', {
  strict: flag(true, 'A listen path `/foo` does not answer `/foobar`'),
  prefixMatching: flag(true, 'Endpoint paths of definitions match from the start of the path only'),
  suffixMatching: flag(true, 'Endpoint paths of definitions match to the end of the path only'),
  skipUrlCleaning: flag(false, 'Leave `//` and `..` in paths as clients wrote them'),
  skipTargetPathEscaping: flag(false, 'Send the path to the upstream as the client escaped it'),
  customDomains: flag(true, 'Honour `domain` of definitions'),
  hostname: text('Host that APIs without a domain answer on; absent: any', 'api.example.org'),
  webSockets: flag(true, 'Let WebSocket upgrades through'),
  forwardedFor: z
    .union([z.enum(['ignore', 'first']), z.int().positive()])
    .default('ignore')
    .meta({
      description:
        "Whose address a client has: `ignore`: the connection's; a number n: the n-th entry of X-Forwarded-For from the right, n being the proxies in front; `first`: its first entry, which clients can forge",
      examples: ['ignore', 1],
    }),
});

export const upstream = section('Requests to upstreams, unless a definition says otherwise', {
  timeoutMs: ms(30_000, "Longest wait for the head of the upstream's response"),
  connectTimeoutMs: ms(10_000, 'Longest wait for a connection'),
  http2: flag(true, 'Speak HTTP/2 to https upstreams that offer it'),
  insecureSkipVerify: flag(false, 'Believe any certificate'),
  minVersion: oneOf(tlsVersion, 'TLSv1.2', 'Oldest TLS version that is spoken'),
  maxVersion: oneOf(tlsVersion, 'TLSv1.3', 'Newest TLS version that is spoken'),
  ciphers: text('Cipher list in the form of OpenSSL; absent: that of Node.js', 'ECDHE-RSA-AES128-GCM-SHA256'),
  ca: pem('Authorities whose certificates are believed, beside the well-known ones', 'upstream-ca.pem'),
  keepAlive: flag(true, 'Keep connections to upstreams open between requests'),
  maxConnectionsPerHost: count(256, 'Connections open at once to one upstream host'),
});

export const errors = section('What clients see when something fails', {
  precise: flag(
    false,
    'Failures of hooks answer with a status that tells them apart (504, 503, ...) instead of the one of the contract',
  ),
  hideGenerator: flag(false, 'Leave `X-Generator` off error replies'),
  messages: z
    .record(
      z.string(),
      z.strictObject({
        status: z.int().min(100).max(599).optional().meta({ description: 'HTTP status' }),
        message: z.string().optional().meta({ description: 'Text' }),
      }),
    )
    .default({})
    .meta({
      description: 'Other statuses and texts, by message id',
      examples: [{ 'auth.auth_field_missing': { status: 401, message: 'Who are you?' } }],
    }),
  templates: text(
    'Folder with `error.json`, `error.xml`, `error_404.json` and the like; absent: the built-in ones',
    'templates',
  ),
});
