import { z } from 'zod';
import { bytes, clientTls, count, flag, ms, oneOf, path, pem, section, text } from './parts.ts';

export const definitions = section('API definitions (Tyk Classic and Tyk OAS)', {
  folder: path('apis', 'Folder of definition files, `*.json`'),
  watch: flag(true, 'Reload when files in the folder change'),
  ignoreFeatures: z
    .array(z.string())
    .default([])
    .meta({
      description: 'Features that definitions may ask for in vain, by the name that their refusal gives',
      examples: [['jwt']],
    }),
  secrets: z
    .record(z.string(), z.string())
    .default({})
    .meta({
      description: 'Values of `secrets://KEY` in definitions',
      examples: [{ token: 'env://TOKEN' }],
      writeOnly: true,
    }),
});

export const policies = section('Policies of keys', {
  folder: path('policies', 'Folder of policy files, `*.json`, one policy each'),
  file: text('One JSON file instead, a map from policy id to policy', 'policies.json'),
});

const twice = (description: string) =>
  z
    .literal('yes, I know')
    .optional()
    .meta({ description, examples: ['yes, I know'] });

export const plugins = section('Local plugins', {
  folder: path('plugins', 'Where relative paths of plugins are looked up'),
  trusted: section('Second words for what is dangerous', {
    inProcess: twice(
      'Allow plugins with `isolation: none` when gateway and coprocess are one process, where a plugin that hangs stops everything',
    ),
    authContinue: twice('Allow auth hooks with `onError: continue`, which let requests in when the hook fails'),
  }),
});

export const bundles = section('Plugin bundles', {
  download: flag(true, 'Fetch bundles that are not there yet'),
  baseUrl: text('Where bundles are fetched from: an http, https or file URL', 'https://bundles.example.org/'),
  insecureSkipVerify: flag(false, 'Believe any certificate of the bundle server'),
  publicKey: pem(
    'RSA key that bundles must be signed with; absent: signatures are not asked for',
    'bundles-public.pem',
  ),
  skipVerifyExisting: flag(false, 'Take bundles that were unpacked before as they are'),
  folder: path('bundles', 'Where bundles are unpacked'),
  maxBytes: bytes(67_108_864, 'Largest archive, and largest sum of its unpacked files'),
  timeoutMs: ms(5000, 'Longest wait for one attempt to fetch'),
  pollMs: z.int().min(0).max(86_400_000).default(0).meta({
    description: 'How often, give or take a fifth, the server is asked whether a bundle in use has changed; 0: never',
    unit: 'ms',
  }),
});

export const coprocess = section('The process that runs plugins, where it is one of its own', {
  targets: z
    .array(z.string().min(1))
    .default([])
    .meta({
      description:
        'Addresses of coprocesses that the gateway uses: `unix:PATH` or `host:port`; none: plugins run in this process',
      examples: [['unix:/run/interpose.sock'], ['10.0.0.5:9111', '10.0.0.6:9111']],
    }),
  listen: z
    .string()
    .default('127.0.0.1:9111')
    .meta({
      description: 'Where `interpose coprocess` listens: `unix:PATH` or `host:port`',
      examples: ['unix:/run/interpose.sock'],
    }),
  tls: clientTls('TLS of the link, the same keys on both ends; with `ca` each end checks the other. Absent: plain'),
});

const pluginServer = z.strictObject({
  target: z
    .string()
    .min(1)
    .meta({
      description: 'Where it is: `tcp://host:port`, `host:port`, `dns:///host:port` or `unix:PATH`',
      examples: ['tcp://127.0.0.1:5555'],
    }),
  timeoutMs: z
    .int()
    .positive()
    .optional()
    .meta({
      description: "Longest wait for an answer, if a hook's own limit is not shorter; absent: `limits.hookTimeoutMs`",
      unit: 'ms',
      examples: [1000],
    }),
  tls: clientTls('Speak TLS; absent: plain'),
  authority: text('`:authority` of calls; absent: that of the target', 'plugins.internal'),
  maxReceiveBytes: bytes(4_194_304, 'Largest answer'),
  maxSendBytes: bytes(4_194_304, 'Largest call; most servers refuse more than 4 MiB unless told otherwise'),
  roundRobin: flag(false, 'Spread calls over all addresses of a `dns:///` target'),
  maxConcurrentCalls: count(4096, 'Calls in flight at once; more fail at once as overload'),
});

export const servers = z
  .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), pluginServer)
  .default({})
  .meta({
    description: 'External plugin servers of the driver `grpc`, by name; hooks that name none use `default`',
    examples: [{ default: { target: 'tcp://127.0.0.1:5555' } }],
  });

export const guests = section('Guest processes, which run plugin code', {
  idleTimeoutMs: ms(300_000, 'A guest that had no call for this long ends; it starts again when needed'),
  killGraceMs: ms(1000, 'A guest that does not give up a cancelled call within this time is killed and replaced'),
  start: oneOf(
    ['install', 'call'],
    'install',
    'Start a guest when its plugins are installed, or when they are first called',
  ),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .meta({
      description: 'Environment variables for plugins in TypeScript, Python and Lua, which get none of ours',
      examples: [{ LOGIN_URL: 'https://login.example', CLIENT_SECRET: 'env://CLIENT_SECRET' }],
    }),
});

const mebibytes = 1_048_576;

export const javascript = section('Sandboxed JavaScript (drivers `otto` and `javascript`)', {
  timeoutMs: z
    .int()
    .positive()
    .optional()
    .meta({ description: 'Longest run of a script; absent: `limits.hookTimeoutMs`', unit: 'ms', examples: [5000] }),
  cpuMs: ms(100, 'CPU time that one call of a script may use'),
  memoryBytes: bytes(64 * mebibytes, 'Memory that the scripts of one API may use'),
  processes: z
    .int()
    .positive()
    .optional()
    .meta({
      description:
        'Guest processes; absent: one per CPU, two at least. With 1, another stands by for when it has to be started again',
      examples: [2],
    }),
  library: text('A script that runs before those of every API', 'library.js'),
  privateAddresses: flag(false, 'Let `TykMakeHttpRequest` go to private and loopback addresses'),
});

export const typescript = section('Plugins in TypeScript', {
  memoryBytes: bytes(256 * mebibytes, 'Heap of one guest'),
});

const pythonEnvironment = z
  .strictObject({
    interpreter: text('Program that runs the hooks: a path, or a name on PATH', '/usr/bin/python3.9'),
    venv: text('Folder of a virtual environment, in place of `interpreter`', '/opt/ml'),
  })
  .meta({ description: 'An interpreter: `interpreter` or `venv`' });

export const python = section('Plugins in Python', {
  interpreter: path('python3', 'Program that runs them: a path, or a name on PATH (one of a virtual environment, say)'),
  version: z
    .string()
    .regex(/^3(\.\d+)?$/)
    .optional()
    .meta({ description: 'Version to look for on PATH; absent: what `interpreter` is', examples: ['3.11'] }),
  environments: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), pythonEnvironment)
    .default({})
    .meta({
      description:
        'Interpreters for hooks that name one with `interpose.environment`; a definition cannot name a program itself',
      examples: [{ ml: { venv: '/opt/ml' } }],
    }),
  path: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: 'More folders that plugins can import from', examples: [['lib/python']] }),
  memoryBytes: bytes(512 * mebibytes, 'Memory of one guest'),
});

export const lua = section('Plugins in Lua', {
  engine: oneOf(
    ['auto', 'luajit', 'wasm'],
    'auto',
    'LuaJIT (Lua 5.1) as a program, or a built-in engine (Lua 5.4); `auto`: LuaJIT where it is installed',
  ),
  interpreter: path('luajit', 'Program of LuaJIT: a path, or a name on PATH'),
  memoryBytes: bytes(64 * mebibytes, 'Memory of one guest'),
});
