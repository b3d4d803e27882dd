import { isAbsolute, resolve } from 'node:path';
import type { CoprocessLink, PluginServer } from '../configuration.ts';
import type { Path } from '../problem.ts';
import type { CheckedConfiguration } from '../schema/index.ts';
import { address, type Context, refuse } from './context.ts';
import { resolveClientTls } from './tls.ts';

/** External plugin servers. */
export function resolveServers(context: Context, checked: CheckedConfiguration): Record<string, PluginServer> {
  return Object.fromEntries(
    Object.entries(checked.servers).map(([name, server]) => {
      const path = ['servers', name];
      return [
        name,
        {
          target: grpcTarget(context, [...path, 'target'], server.target),
          timeoutMs: server.timeoutMs ?? checked.limits.hookTimeoutMs,
          tls: resolveClientTls(context, [...path, 'tls'], server.tls),
          authority: server.authority,
          maxReceiveBytes: server.maxReceiveBytes,
          maxSendBytes: server.maxSendBytes,
          roundRobin: server.roundRobin,
          maxConcurrentCalls: server.maxConcurrentCalls,
        },
      ];
    }),
  );
}

export function resolveCoprocess(context: Context, { coprocess }: CheckedConfiguration): CoprocessLink {
  return {
    targets: coprocess.targets.map((target, i) => grpcTarget(context, ['coprocess', 'targets', i], target)),
    listen: address(context, ['coprocess', 'listen'], coprocess.listen),
    tls: resolveClientTls(context, ['coprocess', 'tls'], coprocess.tls),
  };
}

/** A target as gRPC libraries take it: `tcp://` is ours and Tyk's, relative socket paths become absolute. */
function grpcTarget(context: Context, path: Path, text: string): string {
  const unix = /^unix:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (unix !== undefined) return `unix:${isAbsolute(unix) ? unix : resolve(context.folder, unix)}`;
  const target = text.replace(/^tcp:\/\//, '');
  if (/^(?:dns:(?:\/\/[^/]*\/)?)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/.test(target)) return target;
  const cure = 'Write tcp://host:port, host:port, dns:///host:port or unix:PATH; for example: tcp://127.0.0.1:5555';
  const message = text.startsWith('xds:')
    ? 'asks for xDS, which is not built in'
    : `must be the address of a gRPC server, got ${JSON.stringify(text)}`;
  refuse(context, path, message, cure);
  return target;
}
