/** What is measured: an API, its hooks, whether gateway and coprocess are apart, and how callers are known. */
export interface Setup {
  readonly name: string;
  readonly title: string;
  readonly middleware?: object;
  readonly split?: boolean;
  /** Members of the definition beside those that all have. */
  readonly api?: object;
  /** Its keys are in Redis; how long the gateway may remember one, in milliseconds. */
  readonly cacheMs?: number;
}

/** Sent to every set-up; those that know callers tell 1024 of them apart by it. */
export const callerHeader = 'X-Key: key{n}';

const typescript = (count: number, isolation?: 'none'): object => ({
  driver: 'typescript',
  pre: Array.from({ length: count }, () => ({
    name: 'stamp',
    path: 'stamp.ts',
    ...(isolation && { interpose: { isolation } }),
  })),
});
const script = (driver: string, path: string): object => ({ driver, pre: [{ name: 'stamp', path }] });

export const noHook = 'no hook';

const token = { use_keyless: false, auth: { auth_header_name: 'X-Key' } };
const extractor = { extract_from: 'header', extract_with: 'value', extractor_config: { header_name: 'X-Key' } };
const authHook = { name: 'known', path: 'known.ts', interpose: { isolation: 'none' } };

export const setups: readonly Setup[] = [
  { name: 'none', title: noHook },
  { name: 'ts-trusted', title: 'TypeScript, trusted, one process', middleware: typescript(1, 'none') },
  {
    name: 'ts-trusted-split',
    title: 'TypeScript, trusted, two services',
    middleware: typescript(1, 'none'),
    split: true,
  },
  { name: 'ts-trusted-5', title: 'five of them, two services', middleware: typescript(5, 'none'), split: true },
  { name: 'ts-guest', title: 'TypeScript in a guest, one process', middleware: typescript(1) },
  { name: 'ts-guest-split', title: 'TypeScript in a guest, two services', middleware: typescript(1), split: true },
  { name: 'js', title: 'sandboxed JavaScript, one process', middleware: script('otto', 'stamp.js') },
  { name: 'python', title: 'Python, one process', middleware: script('python', 'stamp.py') },
  { name: 'lua', title: 'Lua, one process', middleware: script('lua', 'stamp.lua') },
  { name: 'go', title: 'external Go server, one process', middleware: { driver: 'grpc', pre: [{ name: 'Stamp' }] } },
  {
    name: 'go-split',
    title: 'external Go server, two services',
    middleware: { driver: 'grpc', pre: [{ name: 'Stamp' }] },
    split: true,
  },
  { name: 'token', title: 'tokens, session remembered', api: token, cacheMs: 600_000 },
  { name: 'token-redis', title: 'tokens, session asked of Redis each time', api: token, cacheMs: 0 },
  {
    name: 'extractor',
    title: 'auth hook behind an ID extractor, hot',
    middleware: { driver: 'typescript', auth_check: authHook, id_extractor: extractor },
    api: { ...token, enable_coprocess_auth: true },
    cacheMs: 600_000,
  },
];

export const plugins: Readonly<Record<string, string>> = {
  'known.ts':
    "import { accept, auth } from 'interpose/plugin';\nexport const known = auth((r) => accept(r.headers.get('x-key') ?? 'nobody', { rememberUntil: new Date(Date.now() + 3_600_000) }));\n",
  'stamp.ts':
    "import { pre } from 'interpose/plugin';\nexport const stamp = pre((r) => { r.headers.set('x-stamp', 'yes'); });\n",
  'stamp.js':
    "var stamp = new TykJS.TykMiddleware.NewMiddleware({});\nstamp.NewProcessRequest(function (request, session, config) { request.SetHeaders['x-stamp'] = 'yes'; return stamp.ReturnData(request, {}); });\n",
  'stamp.py':
    "from tyk.decorators import Hook\n\n\n@Hook\ndef stamp(request, session, spec):\n    request.add_header('x-stamp', 'yes')\n    return request, session\n",
  'stamp.lua':
    "function stamp(request, session, spec)\n  tyk.req.set_header('x-stamp', 'yes')\n  return request, session\nend\n",
};
