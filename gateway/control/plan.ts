import { planRequest } from '../chain/plan/plan.ts';
import type { Gateway } from '../gateway.ts';
import { type ControlReply, type ControlRequest, json, status } from './reply.ts';

/** `GET /tyk/plan?path=&method=&host=&header=Name: value`: what would become of such a request. It is sent nowhere. */
export function answerPlan({ query }: ControlRequest, gateway: Gateway): ControlReply {
  const target = query.get('path') ?? '';
  if (!target.startsWith('/'))
    return status(400, 'error', 'path is missing: write path=/orders/1, with the listen path');
  if (/%(?![0-9A-Fa-f]{2})/.test(target))
    return status(400, 'error', 'path holds a percent sign that begins no escape');
  const headers: (readonly [string, string])[] = [];
  for (const header of query.getAll('header')) {
    const colon = header.indexOf(':');
    if (colon < 1) return status(400, 'error', `header "${header}" has no colon: write header=Name: value`);
    headers.push([header.slice(0, colon).trim(), header.slice(colon + 1).trim()]);
  }
  const method = (query.get('method') ?? 'GET').toUpperCase();
  const host = query.get('host') ?? '';
  return json(200, planRequest({ method, target, host, headers }, gateway.world.router.find));
}
