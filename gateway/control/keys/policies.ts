import { type Policies, type Policy, PolicyFileError, policyJson, readPolicy } from '../../session/index.ts';
import { doneReply, errorReply, jsonReply, malformed, methodNotSupported } from './answers.ts';
import { type Endpoint, segmentsAfter } from './asked.ts';

/**
 * `/tyk/policies` and all below it (spec/platform-contract §7). Reads tell of the policies in force; writes change the files, which are
 * in force after a reload.
 */
export function policyEndpoint(policies: Policies): Endpoint {
  return async ({ method, path, body }) => {
    const [id] = segmentsAfter(path, '/tyk/policies');
    switch (method) {
      case 'GET': {
        if (id === undefined) return jsonReply(200, `[${policies.all().map(policyJson).join(',')}]`);
        const policy = policies.get(id);
        return policy === undefined ? errorReply(404, 'Policy not found') : jsonReply(200, policyJson(policy));
      }
      case 'POST':
        return write(policies, body, id, 'added');
      case 'PUT':
        return id === undefined
          ? errorReply(400, 'Must specify an apiID to update')
          : write(policies, body, id, 'modified');
      case 'DELETE':
        return id === undefined ? errorReply(400, 'Must specify an apiID to delete') : remove(policies, id);
      default:
        return methodNotSupported;
    }
  };
}

async function write(
  policies: Policies,
  body: Buffer,
  id: string | undefined,
  action: 'added' | 'modified',
): ReturnType<Endpoint> {
  const policy = read(body);
  if (policy === undefined) return malformed;
  if (action === 'modified' && policy.id !== id) {
    return errorReply(400, 'Request ID does not match that in policy! For Update operations these must match.');
  }
  try {
    return doneReply(await policies.save(policy), action);
  } catch (error) {
    if (error instanceof PolicyFileError) return errorReply(500, 'Failed to create file!');
    throw error;
  }
}

async function remove(policies: Policies, id: string): ReturnType<Endpoint> {
  try {
    await policies.remove(id);
    return doneReply(id, 'deleted');
  } catch (error) {
    if (error instanceof PolicyFileError) return errorReply(500, 'Delete failed');
    throw error;
  }
}

function read(body: Buffer): Policy | undefined {
  try {
    return readPolicy(JSON.parse(body.toString()));
  } catch {
    return undefined;
  }
}
