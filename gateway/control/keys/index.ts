import type { Sessions } from '../../session/index.ts';
import { StoreUnavailable } from '../../store/index.ts';
import type { ControlReply, ControlRequest } from '../reply.ts';
import { errorReply } from './answers.ts';
import type { KeyEndpointParts } from './asked.ts';
import { keyEndpoint } from './keys.ts';
import { orgKeyEndpoint } from './org-keys.ts';
import { policyEndpoint } from './policies.ts';

/**
 * Everything below `/tyk/` that is about keys: `/tyk/keys`, `/tyk/org/keys`, `/tyk/policies`. Undefined: the path is none of these.
 * A store that does not answer is a 503. The secret was checked, and trailing slashes are gone.
 */
export function keyEndpoints(
  sessions: Pick<Sessions, 'records' | 'orgRecords' | 'policies'>,
  { api, tell }: Pick<KeyEndpointParts, 'api' | 'tell'>,
): (request: ControlRequest) => Promise<ControlReply> | undefined {
  const endpoints = [
    ['/tyk/keys', keyEndpoint({ records: sessions.records, api, tell })],
    ['/tyk/org/keys', orgKeyEndpoint(sessions.orgRecords)],
    ['/tyk/policies', policyEndpoint(sessions.policies)],
  ] as const;
  return (request) => {
    for (const [base, endpoint] of endpoints) {
      if (request.path === base || request.path.startsWith(`${base}/`)) return endpoint(request).catch(unavailable);
    }
    return undefined;
  };
}

function unavailable(error: unknown): ControlReply {
  if (error instanceof StoreUnavailable) return errorReply(503, 'The store does not answer');
  throw error;
}
