import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';

/** A span as it arrived: decoded from the bytes that a real exporter sent. */
export interface SunkSpan {
  readonly service: string;
  /** Attributes of the resource it came with. */
  readonly resource: Readonly<Record<string, AttributeValue>>;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Nanoseconds since 1970. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly status: 'unset' | 'ok' | 'error';
  readonly statusMessage: string;
}

export type AttributeValue = string | number | boolean | undefined;

/**
 * An `ExportTraceServiceRequest`, by the field numbers of opentelemetry-proto 1.x:
 * resource_spans 1 { resource 1 { attributes 1 }, scope_spans 2 { spans 2 } }.
 */
export function decodeExport(bytes: Uint8Array): SunkSpan[] {
  const spans: SunkSpan[] = [];
  for (const resourceSpans of fieldsOf(bytes).get(1) ?? []) {
    const parts = fieldsOf(resourceSpans.bytes());
    const resource = attributesOf(fieldsOf(parts.get(1)?.[0]?.bytes() ?? new Uint8Array()).get(1));
    for (const scopeSpans of parts.get(2) ?? []) {
      for (const span of fieldsOf(scopeSpans.bytes()).get(2) ?? []) spans.push(decodeSpan(span.bytes(), resource));
    }
  }
  return spans;
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const statuses = ['unset', 'ok', 'error'] as const;

function decodeSpan(bytes: Uint8Array, resource: SunkSpan['resource']): SunkSpan {
  const fields = fieldsOf(bytes);
  const hex = (number: number): string => Buffer.from(fields.get(number)?.[0]?.bytes() ?? []).toString('hex');
  const text = (number: number): string => fields.get(number)?.[0]?.string() ?? '';
  const status = fieldsOf(fields.get(15)?.[0]?.bytes() ?? new Uint8Array());
  return {
    service: String(resource['service.name'] ?? ''),
    resource,
    traceId: hex(1),
    spanId: hex(2),
    traceState: text(3),
    parentSpanId: hex(4),
    name: text(5),
    kind: kinds[fields.get(6)?.[0]?.int32() ?? 0] ?? 'unspecified',
    startNs: BigInt(fields.get(7)?.[0]?.fixed64() ?? 0),
    endNs: BigInt(fields.get(8)?.[0]?.fixed64() ?? 0),
    attributes: attributesOf(fields.get(9)),
    status: statuses[status.get(3)?.[0]?.int32() ?? 0] ?? 'unset',
    statusMessage: status.get(2)?.[0]?.string() ?? '',
  };
}

/** `repeated KeyValue`: key 1, value 2 { string 1, bool 2, int 3, double 4 }. */
function attributesOf(entries: readonly BinaryReader[] | undefined): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const entry of entries ?? []) {
    const fields = fieldsOf(entry.bytes());
    const value = fieldsOf(fields.get(2)?.[0]?.bytes() ?? new Uint8Array());
    attributes[fields.get(1)?.[0]?.string() ?? ''] =
      value.get(1)?.[0]?.string() ??
      value.get(2)?.[0]?.bool() ??
      (value.has(3) ? Number(value.get(3)?.[0]?.int64()) : undefined) ??
      value.get(4)?.[0]?.double();
  }
  return attributes;
}

/** A message's fields by number, each as a reader that stands at its value. */
function fieldsOf(bytes: Uint8Array): Map<number, BinaryReader[]> {
  const fields = new Map<number, BinaryReader[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type]: [number, WireType] = reader.tag();
    const value = new BinaryReader(bytes);
    value.pos = reader.pos;
    reader.skip(type);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}
