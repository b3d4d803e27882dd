/** Field numbers of proto/interpose/link/v1/link.proto, message by message. */

/** Version of the link's protocol; both sides must speak the same one. */
export const linkVersion = 1;

/** Bodies longer than this, in bytes, travel beside the batches. */
export const maxInlineBodyBytes = 64 * 1024;

export const fromGateway = {
  hello: 1,
  installs: 2,
  runs: 3,
  calls: 4,
  cancels: 5,
  hostReplies: 6,
  uninstalls: 7,
  bundlesInUse: 8,
  bundleVerdicts: 9,
  looksAtFiles: 10,
} as const;

export const fromCoprocess = {
  welcome: 1,
  installed: 2,
  answers: 3,
  hostRequests: 4,
  draining: 5,
  bundleNews: 6,
  fileStamps: 7,
} as const;

export const hello = { version: 1, gatewayId: 2 } as const;
export const welcome = { version: 1, coprocessId: 2, drivers: 3, token: 4 } as const;
/** Install, and Installed with the report in place of the set. */
export const install = { digest: 1, json: 2 } as const;
export const defineRun = { number: 1, digest: 2, hooks: 3 } as const;

export const call = {
  id: 1,
  run: 2,
  timeoutMs: 3,
  request: 4,
  body: 5,
  session: 6,
  metadata: 7,
  response: 8,
  responseBody: 9,
  traceparent: 10,
  tracestate: 11,
  bodyBytes: 12,
  responseBodyBytes: 13,
  originalUrl: 14,
  sessionJson: 15,
  repeatedHeaders: 16,
} as const;

export const answer = { id: 1, outcomes: 2 } as const;

export const outcome = {
  request: 1,
  response: 2,
  reply: 3,
  failure: 4,
  session: 5,
  metadata: 6,
  queueUs: 7,
  wireUs: 8,
  runUs: 9,
  sessionJson: 10,
  sessionMetadata: 11,
} as const;

export const requestEdits = {
  body: 1,
  deleteHeaders: 2,
  setHeaders: 3,
  deleteParams: 4,
  addParams: 5,
  url: 6,
  method: 7,
  bodyBytes: 8,
  query: 9,
  queryRemoved: 10,
} as const;

export const responseEdits = { status: 1, headersReplaced: 2, headers: 3, body: 4, bodyBytes: 5 } as const;
export const reply = { status: 1, headers: 2, body: 3, template: 4, bodyBytes: 5 } as const;
export const failure = { reason: 1, message: 2 } as const;
export const hostRequest = { id: 1, service: 2, arguments: 3 } as const;
export const hostReply = { id: 1, result: 2, error: 3 } as const;
export const bundlesInUse = { bundles: 1 } as const;
export const bundleVerdict = { bundle: 1, digest: 2, refused: 3 } as const;
export const bundleNews = { bundle: 1, offer: 2, settled: 3, problem: 4 } as const;
export const lookAtFiles = { id: 1, names: 2 } as const;
export const fileStamps = { id: 1, files: 2, beside: 3 } as const;
export const bodyFrame = { token: 1, call: 2, part: 3, chunk: 4, last: 5, credit: 6 } as const;

/** Entries of `coprocess.Object.metadata`. */
export const objectMetadata = 5;
