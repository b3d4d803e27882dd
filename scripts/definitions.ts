import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { classicFields } from '../gateway/definitions/classic-fields.ts';
import { featureNames } from '../gateway/definitions/features.ts';
import type { Field, FieldTree } from '../gateway/definitions/field-table.ts';
import { oasFields } from '../gateway/definitions/oas-fields.ts';
import { apiRows, type MappingRow, operationMappings } from '../gateway/definitions/oas-mapping.ts';

const root = join(import.meta.dirname, '..');
const docs = 'docs/definitions.md';

/** The files that are made from the tables of definition fields, by path, as they should be. Prose of the docs stays as it is. */
export async function publishedFiles(): Promise<ReadonlyMap<string, string>> {
  const parts = {
    features: featureNames.map((name) => `\`${name}\``).join(', '),
    classic: fieldTable(classicFields),
    oas: fieldTable(oasFields),
    mapping: mappingTable(),
  };
  let text = await readFile(join(root, docs), 'utf8');
  for (const [name, part] of Object.entries(parts)) text = replacePart(text, name, part);
  return new Map([
    [docs, text],
    ['schema/classic.schema.json', schemaText(classicSchema())],
    ['schema/oas.schema.json', schemaText(oasSchema())],
  ]);
}

/** What stands between `<!-- made: NAME -->` and `<!-- end -->`. */
function replacePart(text: string, name: string, part: string): string {
  const begin = `<!-- made: ${name} -->`;
  const at = text.indexOf(begin);
  const end = text.indexOf('<!-- end -->', at);
  if (at < 0 || end < 0) throw new Error(`${docs} lacks ${begin} ... <!-- end -->`);
  return `${text.slice(0, at)}${begin}\n${part}\n${text.slice(end)}`;
}

function fieldTable(tree: FieldTree): string {
  return ['| field | here | |', '| --- | --- | --- |', ...fieldRows(tree, '')].join('\n');
}

const roles = { honoured: 'honoured', harmless: 'no effect', feature: 'refused when on' };

function fieldRows(tree: FieldTree, above: string): string[] {
  return Object.entries(tree).flatMap(([name, field]) => {
    const path = above === '' ? name : `${above}.${name}`;
    const below = field.below === undefined ? [] : fieldRows(field.below, path + shapeMark(field));
    const feature = field.feature === undefined ? '' : ` (\`${field.feature}\`)`;
    const isBranch = below.length > 0 && field.note === '';
    return isBranch ? below : [`| \`${path}\` | ${roles[field.role]}${feature} | ${field.note} |`, ...below];
  });
}

function shapeMark(field: Field): string {
  if (field.shape === 'list') return '[]';
  if (field.shape === 'map') return '.*';
  return field.shape === 'listMap' ? '.*[]' : '';
}

function mappingTable(): string {
  const rows = [
    ...mappingRows(apiRows, '', ''),
    ...Object.entries(operationMappings).flatMap(([name, { list, rows: below }]) =>
      mappingRows(below, `middleware.operations.*.${name}.`, `version_data.versions..extended_paths.${list}[].`),
    ),
  ];
  return ['| `x-tyk-api-gateway` | Classic |', '| --- | --- |', ...rows].join('\n');
}

function mappingRows(rows: readonly MappingRow[], oasPrefix: string, classicPrefix: string): string[] {
  return rows.map(([oas, classic, convert]) => {
    const negated = typeof convert === 'function' && convert.name === 'not';
    return `| \`${oasPrefix}${oas}\` | ${negated ? 'not ' : ''}\`${classicPrefix}${classic}\` |`;
  });
}

type Schema = Record<string, unknown>;

const draft = 'http://json-schema.org/draft-07/schema#';

function classicSchema(): Schema {
  return { $schema: draft, title: 'API definition, Classic', ...objectSchema(classicFields), required: ['proxy'] };
}

function oasSchema(): Schema {
  const extension = { ...objectSchema(oasFields), required: ['info', 'server', 'upstream'] };
  return {
    $schema: draft,
    title: 'API definition, OpenAPI',
    type: 'object',
    properties: { 'x-tyk-api-gateway': extension },
    required: ['openapi', 'info', 'x-tyk-api-gateway'],
  };
}

function objectSchema(tree: FieldTree): Schema {
  const properties = Object.fromEntries(
    Object.entries(tree).map(([name, field]) => [name, name === 'interpose' ? extensionSchema : fieldSchema(field)]),
  );
  return { type: ['object', 'null'], properties };
}

function fieldSchema(field: Field): Schema {
  const note = field.role === 'feature' ? `Not built in ("${field.feature}"): ${field.note}` : field.note;
  const description = field.role === 'harmless' && note !== '' ? `No effect: ${note}` : note;
  return { ...(description === '' ? {} : { description }), ...shapeSchema(field) };
}

function shapeSchema(field: Field): Schema {
  if (field.below === undefined) return {};
  const object = objectSchema(field.below);
  const list = { type: ['array', 'null'], items: object };
  if (field.shape === 'list') return list;
  if (field.shape === 'map') return { type: ['object', 'null'], additionalProperties: object };
  if (field.shape === 'listMap') return { type: ['object', 'null'], additionalProperties: list };
  return object;
}

/** The one part of a definition that is ours, and strict. */
const extensionSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  description: 'What only Interpose knows of this hook; the original ignores it.',
  properties: {
    driver: { type: 'string', description: 'Driver of this hook; the API’s by default.' },
    server: { type: 'string', description: 'For grpc: name of the plugin server in the configuration.' },
    timeoutMs: { type: 'integer', minimum: 1, description: 'Longest run of this hook.' },
    onError: { enum: ['reject', 'continue'], description: 'What a failure of the hook means for the request.' },
    body: {
      enum: ['buffered', 'none'],
      description: 'Whether the hook reads the body; one that does not lets it stream.',
    },
    when: {
      type: 'object',
      additionalProperties: false,
      description: 'Run only when all of this holds.',
      properties: {
        methods: { type: 'array', items: { type: 'string' }, minItems: 1 },
        path: { type: 'string', description: 'Path without the listen path; * is part of a segment, ** is anything.' },
        header: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: { name: { type: 'string' }, value: { type: 'string' } },
        },
        percent: { type: 'number', minimum: 0, maximum: 100, description: 'Share of requests.' },
      },
    },
    isolation: { enum: ['process', 'none'], description: 'none: trusted code, loaded into the coprocess itself.' },
    instances: { type: 'integer', minimum: 1, description: 'Guest processes side by side.' },
    environment: { type: 'string', description: 'For python: name of an interpreter in the configuration.' },
  },
};

function schemaText(schema: Schema): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

if (import.meta.main) {
  for (const [path, text] of await publishedFiles()) await writeFile(join(root, path), text);
}
