import { goJson } from '../../contract/go-json.ts';
import type { MockExample } from './api-version.ts';
import { type Fields, isObject, type JsonObject } from './fields.ts';

/** What an OpenAPI document gives as examples of an operation's responses, ready to be sent. */
export function readExamples(operation: Fields, document: JsonObject): readonly MockExample[] {
  const examples: MockExample[] = [];
  for (const [code, response] of operation.objectMap('responses')) {
    const status = Number(code);
    if (!Number.isInteger(status) || status < 200) continue;
    const resolved = resolve(response.json, document);
    const headers = exampleHeaders(resolved, document);
    const content = isObject(resolved.content) ? resolved.content : {};
    for (const [contentType, media] of Object.entries(content)) {
      if (!isObject(media)) continue;
      for (const [name, value] of mediaExamples(media, document)) {
        const type: readonly [string, string] = ['Content-Type', contentType];
        const body = Buffer.from(goJson(value));
        examples.push({ status, contentType, name, reply: { status, headers: [...headers, type], body } });
      }
    }
  }
  return examples;
}

/** The example, named examples, or one made from the schema. */
function mediaExamples(media: JsonObject, document: JsonObject): readonly (readonly [name: string, value: unknown])[] {
  const found: [string, unknown][] = [];
  if (media.example !== undefined) found.push(['', media.example]);
  if (isObject(media.examples)) {
    for (const [name, example] of Object.entries(media.examples)) {
      if (isObject(example)) found.push([name, resolve(example, document).value ?? null]);
    }
  }
  if (found.length === 0 && isObject(media.schema)) found.push(['', schemaExample(media.schema, document, 0)]);
  return found;
}

function exampleHeaders(response: JsonObject, document: JsonObject): readonly (readonly [string, string])[] {
  if (!isObject(response.headers)) return [];
  return Object.entries(response.headers).flatMap(([name, header]): [string, string][] => {
    if (!isObject(header)) return [];
    const { example, schema } = resolve(header, document);
    const value = example ?? (isObject(schema) ? schemaExample(schema, document, 0) : undefined);
    return value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
}

/** Schemas may hold themselves; deeper than this an example is null. */
const maxDepth = 12;

/** A value of a schema: its example, default or first choice, else a plain value of its type. */
function schemaExample(unresolved: JsonObject, document: JsonObject, depth: number): unknown {
  if (depth > maxDepth) return null;
  const schema = resolve(unresolved, document);
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  const choices = schema.enum;
  if (Array.isArray(choices) && choices.length > 0) return choices[0];
  const part = [schema.allOf, schema.oneOf, schema.anyOf].find(Array.isArray);
  if (part !== undefined) return composedExample(part, schema.allOf === part, document, depth);
  return typeExample(schema, document, depth);
}

function composedExample(schemas: readonly unknown[], all: boolean, document: JsonObject, depth: number): unknown {
  const values = schemas.filter(isObject).map((schema) => schemaExample(schema, document, depth + 1));
  return all ? Object.assign({}, ...values.filter(isObject)) : (values[0] ?? null);
}

function typeExample(schema: JsonObject, document: JsonObject, depth: number): unknown {
  const { type, properties, items } = schema;
  if (type === 'object' || isObject(properties)) {
    const entries = Object.entries(isObject(properties) ? properties : {}).filter(([, value]) => isObject(value));
    return Object.fromEntries(
      entries.map(([name, value]) => [name, schemaExample(value as JsonObject, document, depth + 1)]),
    );
  }
  if (type === 'array') return isObject(items) ? [schemaExample(items, document, depth + 1)] : [];
  if (type === 'integer' || type === 'number') return 0;
  if (type === 'boolean') return true;
  return type === 'string' ? 'string' : null;
}

/** Follow `$ref` within the document. */
function resolve(value: JsonObject, document: JsonObject): JsonObject {
  let current = value;
  for (let steps = 0; steps < maxDepth; steps++) {
    const reference = current.$ref;
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return current;
    let target: unknown = document;
    for (const part of reference.slice(2).split('/')) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      target = isObject(target) ? target[key] : undefined;
    }
    if (!isObject(target)) return {};
    current = target;
  }
  return {};
}
