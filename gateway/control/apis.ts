import { basename } from 'node:path';
import { type JsonObject, oasToClassic, parseClassic, parseOas, refusalLines } from '../definitions/index.ts';
import type { Gateway } from '../gateway.ts';

import { type DefinitionFiles, isFileId, newApiId } from './definition-files.ts';
import type { Endpoint } from './endpoints.ts';
import { type ControlReply, type ControlRequest, json, status } from './reply.ts';

const oasKey = 'x-tyk-api-gateway';
const malformed = status(400, 'error', 'Request malformed');
const notFound = status(404, 'error', 'API not found');

/** `/tyk/apis` and below: definitions of both formats as files (spec/platform-contract §7). They count at the next reload. */
export function apiEndpoints(gateway: Gateway, files: DefinitionFiles): Endpoint[] {
  // What was loaded is shown until the next reload, also when its file has changed since.
  const shown = new WeakMap<object, Promise<JsonObject | undefined>>();
  const loaded = (id: string): { source: string; format: 'classic' | 'oas' } | undefined =>
    gateway.world.byId.get(id)?.api;

  function documentOf(id: string): Promise<JsonObject | undefined> {
    const api = loaded(id);
    if (api === undefined) return Promise.resolve(undefined);
    let document = shown.get(api);
    if (document === undefined) {
      document = files.read(basename(api.source));
      shown.set(api, document);
    }
    return document;
  }

  async function classicOf(id: string): Promise<JsonObject | undefined> {
    const document = await documentOf(id);
    return document !== undefined && oasKey in document ? oasToClassic(document) : document;
  }

  /** Remember what is loaded before its file changes. */
  const keep = (id: string): Promise<unknown> => documentOf(id);

  async function list(): Promise<ControlReply> {
    const all = await Promise.all([...gateway.world.byId.keys()].map(classicOf));
    return json(
      200,
      all.filter((one) => one !== undefined),
    );
  }

  async function read(_: ControlRequest, id: string): Promise<ControlReply> {
    const document = await classicOf(id);
    return document === undefined ? notFound : json(200, document);
  }

  async function add(request: ControlRequest): Promise<ControlReply> {
    const definition = parsed(request.body);
    if (definition === undefined || wrongTypes(definition)) return malformed;
    const given = text(definition, 'api_id');
    if (given !== '' && !isFileId(given))
      return status(400, 'error', 'api_id may hold letters, digits, "_", "-" and "." only');
    const id = given === '' ? newApiId() : given;
    await keep(id);
    await files.writeClassic(id, { ...definition, api_id: id });
    return action(id, 'added');
  }

  async function change(request: ControlRequest, id: string): Promise<ControlReply> {
    if (loaded(id) === undefined) return notFound;
    const definition = parsed(request.body);
    if (definition === undefined || wrongTypes(definition)) return malformed;
    if (text(definition, 'api_id') !== id) {
      return status(
        400,
        'error',
        'Request APIID does not match that in Definition! For Update operations these must match.',
      );
    }
    await keep(id);
    await files.writeClassic(id, definition);
    return action(id, 'modified');
  }

  async function remove(_: ControlRequest, id: string): Promise<ControlReply> {
    if (loaded(id) === undefined) return notFound;
    await keep(id);
    await files.remove(id);
    return action(id, 'deleted');
  }

  async function listOas(): Promise<ControlReply> {
    const documents = await Promise.all([...gateway.world.byId.keys()].map(oasOf));
    return json(
      200,
      documents.filter((one) => one !== undefined),
    );
  }

  async function oasOf(id: string): Promise<JsonObject | undefined> {
    if (loaded(id)?.format !== 'oas') return undefined;
    const document = await documentOf(id);
    return document !== undefined && oasKey in document ? document : files.readOas(id);
  }

  async function readOas(_: ControlRequest, id: string): Promise<ControlReply> {
    const document = await oasOf(id);
    return document === undefined ? notFound : json(200, document);
  }

  async function writeOas(
    request: ControlRequest,
    id: string | undefined,
    patched?: JsonObject,
  ): Promise<ControlReply> {
    const body = parsed(request.body);
    if (body === undefined) return status(400, 'error', 'request malformed');
    const document = patched === undefined || oasKey in body ? body : { ...body, [oasKey]: patched[oasKey] };
    if (!(oasKey in document)) return status(400, 'error', `the payload should contain ${oasKey}`);
    const named = text(infoOf(document), 'id');
    const own = id ?? (named === '' ? newApiId() : named);
    if (!isFileId(own))
      return status(400, 'error', `${oasKey}.info.id may hold letters, digits, "_", "-" and "." only`);
    const identified = withId(document, own);
    const { refusal } = parseOas(identified, `${own}-oas.json`);
    if (refusal !== undefined) return status(400, 'error', refusalLines(refusal).join('\n'));
    await keep(own);
    await files.writeOas(own, identified, { ...oasToClassic(identified), is_oas: true });
    return action(own, id === undefined ? 'added' : 'modified');
  }

  async function changeOas(request: ControlRequest, id: string): Promise<ControlReply> {
    const old = await oasOf(id);
    return old === undefined ? notFound : writeOas(request, id, request.method === 'PATCH' ? old : undefined);
  }

  return [
    { path: ['apis'], GET: list, POST: add },
    { path: ['apis', 'oas'], GET: listOas, POST: (request) => writeOas(request, undefined) },
    { path: ['apis', 'oas', 'export'], GET: listOas },
    { path: ['apis', 'oas', ':id'], GET: readOas, PUT: changeOas, PATCH: changeOas, DELETE: remove },
    { path: ['apis', 'oas', ':id', 'export'], GET: readOas },
    { path: ['apis', ':id'], GET: read, POST: add, PUT: change, DELETE: remove },
  ];
}

function action(id: string, done: 'added' | 'modified' | 'deleted'): ControlReply {
  return json(200, { key: id, status: 'ok', action: done });
}

function parsed(body: Buffer): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(body.toString('utf8'));
    const isObject = document !== null && typeof document === 'object' && !Array.isArray(document);
    return isObject ? (document as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** A field of a wrong type makes the whole definition unreadable; anything else that is wrong shows at the reload. */
function wrongTypes(definition: JsonObject): boolean {
  const { refusal } = parseClassic(definition, 'request');
  return refusal?.kind === 'unreadable';
}

/** A text field, whatever the case of its name. */
function text(object: JsonObject | undefined, name: string): string {
  const key = Object.keys(object ?? {}).find((one) => one.toLowerCase() === name);
  const value = key === undefined ? undefined : object?.[key];
  return typeof value === 'string' ? value : '';
}

function infoOf(document: JsonObject): JsonObject | undefined {
  return (document[oasKey] as { info?: JsonObject } | undefined)?.info;
}

function withId(document: JsonObject, id: string): JsonObject {
  const extension = document[oasKey] as JsonObject;
  return { ...document, [oasKey]: { ...extension, info: { ...(extension.info as JsonObject), id } } };
}
