import { type OrgRecords, parseSentSession, type Session, sessionJson } from '../../session/index.ts';
import { doneReply, errorReply, jsonReply, malformed, methodNotSupported } from './answers.ts';
import { type Endpoint, segmentsAfter } from './asked.ts';

/** `/tyk/org/keys` and all below it: sessions of whole organisations (spec/platform-contract §7). */
export function orgKeyEndpoint(records: OrgRecords): Endpoint {
  return async ({ method, path, body }) => {
    const [org] = segmentsAfter(path, '/tyk/org/keys');
    if (org === undefined) {
      return method === 'GET' ? jsonReply(200, JSON.stringify({ keys: await records.list() })) : methodNotSupported;
    }
    switch (method) {
      case 'GET': {
        const session = await records.find(org);
        return session === undefined ? errorReply(404, 'Org not found') : jsonReply(200, sessionJson(session));
      }
      case 'POST':
      case 'PUT': {
        const session = readSession(body);
        if (session === undefined) return malformed;
        await records.save(org, { ...session, last_updated: String(Math.floor(Date.now() / 1000)) });
        return doneReply(org, method === 'POST' ? 'added' : 'modified');
      }
      case 'DELETE':
        return (await records.remove(org)) ? doneReply(org, 'deleted') : errorReply(400, 'Failed to remove the key');
      default:
        return methodNotSupported;
    }
  };
}

function readSession(body: Buffer): Session | undefined {
  try {
    return parseSentSession(body.toString());
  } catch {
    return undefined;
  }
}
