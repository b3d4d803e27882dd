import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { goJson, int64 } from './go-json.ts';
import type { AccessRight, AllowedUrl, Session } from './session.ts';
import { emptyMap } from './shape.ts';

type ScalarKind = 'int64' | 'double' | 'string' | 'bool';
type Scalar = readonly [name: keyof Session, number: number, kind: ScalarKind];

/**
 * Fields of `coprocess.SessionState` that cross both ways one to one, but the two that change from request to request. `certificate`,
 * `max_query_depth` and the `post_expiry_*` pair are not sent (spec/coprocess-contract §2.4); what plugins set in the pair is dropped.
 */
const scalars: readonly Scalar[] = [
  ['last_check', 1, 'int64'],
  ['allowance', 2, 'double'],
  ['rate', 3, 'double'],
  ['per', 4, 'double'],
  ['expires', 5, 'int64'],
  ['quota_max', 6, 'int64'],
  ['quota_renewal_rate', 9, 'int64'],
  ['org_id', 11, 'string'],
  ['oauth_client_id', 12, 'string'],
  ['hmac_enabled', 16, 'bool'],
  ['hmac_string', 17, 'string'],
  ['is_inactive', 18, 'bool'],
  ['apply_policy_id', 19, 'string'],
  ['data_expires', 20, 'int64'],
  ['alias', 25, 'string'],
  ['last_updated', 26, 'string'],
  ['id_extractor_deadline', 27, 'int64'],
  ['session_lifetime', 28, 'int64'],
];

const receivedOnly: readonly Scalar[] = [
  ['quota_renews', 7, 'int64'],
  ['quota_remaining', 8, 'int64'],
  ['enable_detailed_recording', 22, 'bool'],
  ['certificate', 30, 'string'],
  ['max_query_depth', 31, 'int64'],
];

const scalarByNumber = new Map([...scalars, ...receivedOnly].map((scalar) => [scalar[1], scalar]));

const f = {
  quotaRenews: 7,
  quotaRemaining: 8,
  accessRights: 10,
  oauthKeys: 13,
  basicAuthData: 14,
  jwtData: 15,
  monitor: 21,
  enableDetailedRecording: 22,
  metadata: 23,
  tags: 24,
  applyPolicies: 29,
  keyId: 32,
} as const;

/** Field of `coprocess.Object` that holds its metadata. */
const objectMetadata = 5;

/** A session as plugins see it: a `coprocess.SessionState`. */
export function sessionToProto(session: Session, keyId: string): Uint8Array {
  const { quota_renews = 0, quota_remaining = 0 } = session;
  return withQuota(steadyProto(session, keyId), quota_renews, quota_remaining);
}

/** All of a `coprocess.SessionState` but `quota_renews` and `quota_remaining`, which {@link withQuota} appends. */
export function steadyProto(session: Session, keyId: string): Uint8Array {
  const writer = new BinaryWriter();
  for (const [name, number, kind] of scalars) writeScalar(writer, number, kind, session[name]);
  writeRights(writer, session.access_rights ?? {});
  writeMap(writer, f.oauthKeys, session.oauth_keys ?? {});
  const { password = '', hash_type: hash = '' } = session.basic_auth_data ?? {};
  writer.uint32(lengthDelimited(f.basicAuthData)).fork();
  writeScalar(writer, 1, 'string', password);
  writeScalar(writer, 2, 'string', hash);
  writer.join().uint32(lengthDelimited(f.jwtData)).fork();
  writeScalar(writer, 1, 'string', session.jwt_data?.secret);
  writer.join().uint32(lengthDelimited(f.monitor)).fork();
  writePackedDoubles(writer, 1, session.monitor?.trigger_limits ?? []);
  writer.join();
  writeScalar(
    writer,
    f.enableDetailedRecording,
    'bool',
    session.enable_detailed_recording || session.enable_detail_recording,
  );
  writeMap(writer, f.metadata, metadataTexts(session));
  for (const tag of session.tags ?? []) writer.uint32(lengthDelimited(f.tags)).string(tag);
  for (const id of session.apply_policies ?? []) writer.uint32(lengthDelimited(f.applyPolicies)).string(id);
  writeScalar(writer, f.keyId, 'string', keyId);
  return writer.finish();
}

/** Append the numbers that change from request to request: in protobuf the last one wins. */
export function withQuota(steady: Uint8Array, quotaRenews: number, quotaRemaining: number): Uint8Array {
  if (quotaRenews === 0 && quotaRemaining === 0) return steady;
  const writer = new BinaryWriter();
  writer.raw(steady);
  writeScalar(writer, f.quotaRenews, 'int64', quotaRenews);
  writeScalar(writer, f.quotaRemaining, 'int64', quotaRemaining);
  return writer.finish();
}

/** The session's metadata as entries of `coprocess.Object.metadata`. */
export function metadataToProto(session: Session): Uint8Array {
  const writer = new BinaryWriter();
  writeMap(writer, objectMetadata, metadataTexts(session));
  return writer.finish();
}

/** Texts as they are, anything else as JSON. */
function metadataTexts(session: Session): Record<string, string> {
  const texts = emptyMap() as Record<string, string>;
  for (const [key, value] of Object.entries(session.meta_data ?? {})) {
    texts[key] = typeof value === 'string' ? value : goJson(value);
  }
  return texts;
}

function writeRights(writer: BinaryWriter, rights: Record<string, AccessRight>): void {
  for (const [apiId, right] of Object.entries(rights)) {
    writer.uint32(lengthDelimited(f.accessRights)).fork().uint32(lengthDelimited(1)).string(apiId);
    writer.uint32(lengthDelimited(2)).fork();
    writeScalar(writer, 1, 'string', right.api_name);
    writeScalar(writer, 2, 'string', right.api_id);
    for (const version of right.versions ?? []) writer.uint32(lengthDelimited(3)).string(version);
    for (const { url, methods } of right.allowed_urls ?? []) {
      writer.uint32(lengthDelimited(4)).fork();
      writeScalar(writer, 1, 'string', url);
      for (const method of methods ?? []) writer.uint32(lengthDelimited(2)).string(method);
      writer.join();
    }
    writer.join().join();
  }
}

function writeMap(writer: BinaryWriter, number: number, map: Record<string, string>): void {
  for (const [key, value] of Object.entries(map)) {
    writer.uint32(lengthDelimited(number)).fork();
    writer.uint32(lengthDelimited(1)).string(key).uint32(lengthDelimited(2)).string(value);
    writer.join();
  }
}

function writePackedDoubles(writer: BinaryWriter, number: number, values: readonly number[]): void {
  if (values.length === 0) return;
  writer.uint32(lengthDelimited(number)).fork();
  for (const value of values) writer.double(value);
  writer.join();
}

function writeScalar(writer: BinaryWriter, number: number, kind: ScalarKind, value: unknown): void {
  if (value === undefined || value === 0 || value === '' || value === false) return;
  if (kind === 'string') writer.uint32(lengthDelimited(number)).string(value as string);
  else if (kind === 'double') writer.uint32((number << 3) | WireType.Bit64).double(value as number);
  else if (kind === 'bool') writer.uint32((number << 3) | WireType.Varint).bool(true);
  else writer.uint32((number << 3) | WireType.Varint).int64(int64(value as number));
}

function lengthDelimited(number: number): number {
  return (number << 3) | WireType.LengthDelimited;
}

/**
 * A session that an auth plugin answered. Quirk of the contract, visible in later hooks and in the store: a list of n allowed URLs
 * becomes one of 2n, blank ones first (recorded; blank ones allow nothing).
 * @throws {Error} when the bytes are no `coprocess.SessionState`.
 */
export function sessionFromProto(bytes: Uint8Array): Session {
  const session = emptyMap() as Session;
  const rights = emptyMap() as Record<string, AccessRight>;
  const metadata = emptyMap() as Record<string, string>;
  const oauthKeys = emptyMap() as Record<string, string>;
  const lists = { tags: [] as string[], policies: [] as string[] };
  eachField(bytes, (number, type, reader) => {
    const scalar = scalarByNumber.get(number);
    if (scalar !== undefined) return readScalar(session, scalar, type, reader);
    if (type !== WireType.LengthDelimited) return false;
    switch (number) {
      case f.accessRights:
        return readRight(rights, reader.bytes());
      case f.oauthKeys:
        return readEntry(oauthKeys, reader.bytes());
      case f.metadata:
        return readEntry(metadata, reader.bytes());
      case f.basicAuthData: {
        const [password, hash_type] = readTexts(reader.bytes());
        session.basic_auth_data = { password, hash_type };
        return true;
      }
      case f.jwtData:
        session.jwt_data = { secret: readTexts(reader.bytes())[0] };
        return true;
      case f.monitor:
        session.monitor = { trigger_limits: readDoubles(reader.bytes()) };
        return true;
      case f.tags:
        lists.tags.push(reader.string());
        return true;
      case f.applyPolicies:
        lists.policies.push(reader.string());
        return true;
      default:
        return false;
    }
  });
  if (Object.keys(rights).length > 0) session.access_rights = rights;
  if (Object.keys(oauthKeys).length > 0) session.oauth_keys = oauthKeys;
  if (Object.keys(metadata).length > 0) session.meta_data = metadata;
  if (lists.tags.length > 0) session.tags = lists.tags;
  if (lists.policies.length > 0) session.apply_policies = lists.policies;
  return session;
}

/** `read` takes the field's value and returns true, or leaves it and returns false. */
function eachField(bytes: Uint8Array, read: (number: number, type: WireType, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (!read(number, type, reader)) reader.skip(type, number);
  }
}

const wireTypes: Record<ScalarKind, WireType> = {
  int64: WireType.Varint,
  bool: WireType.Varint,
  double: WireType.Bit64,
  string: WireType.LengthDelimited,
};

function readScalar(session: Session, [name, , kind]: Scalar, type: WireType, reader: BinaryReader): boolean {
  if (type !== wireTypes[kind]) return false;
  const value = kind === 'int64' ? Number(reader.int64()) : reader[kind]();
  if (value === 0 || value === '' || value === false) delete session[name];
  else (session as Record<string, unknown>)[name] = value;
  return true;
}

function readRight(rights: Record<string, AccessRight>, bytes: Uint8Array): boolean {
  let apiId = '';
  const right = emptyMap() as AccessRight;
  const versions: string[] = [];
  const urls: AllowedUrl[] = [];
  eachField(bytes, (number, type, entry) => {
    if (type !== WireType.LengthDelimited) return false;
    if (number === 1) apiId = entry.string();
    else if (number === 2) {
      eachField(entry.bytes(), (inner, innerType, reader) => {
        if (innerType !== WireType.LengthDelimited) return false;
        if (inner === 1) right.api_name = reader.string();
        else if (inner === 2) right.api_id = reader.string();
        else if (inner === 3) versions.push(reader.string());
        else if (inner === 4) urls.push(readUrl(reader.bytes()));
        else return false;
        return true;
      });
    } else return false;
    return true;
  });
  if (versions.length > 0) right.versions = versions;
  if (urls.length > 0) right.allowed_urls = [...urls.map(() => ({ url: '', methods: null })), ...urls];
  rights[apiId] = right;
  return true;
}

function readUrl(bytes: Uint8Array): AllowedUrl {
  const methods: string[] = [];
  let url = '';
  eachField(bytes, (number, type, reader) => {
    if (type !== WireType.LengthDelimited) return false;
    if (number === 1) url = reader.string();
    else if (number === 2) methods.push(reader.string());
    else return false;
    return true;
  });
  return { url, methods: methods.length > 0 ? methods : null };
}

function readEntry(map: Record<string, string>, bytes: Uint8Array): boolean {
  const [key, value] = readTexts(bytes);
  map[key] = value;
  return true;
}

/** The text fields 1 and 2 of a message. */
function readTexts(bytes: Uint8Array): [string, string] {
  const texts: [string, string] = ['', ''];
  eachField(bytes, (number, type, reader) => {
    if (type !== WireType.LengthDelimited || number > 2) return false;
    texts[number - 1] = reader.string();
    return true;
  });
  return texts;
}

/** Field 1 as doubles, packed or one by one. */
function readDoubles(bytes: Uint8Array): number[] {
  const values: number[] = [];
  eachField(bytes, (number, type, reader) => {
    if (number !== 1) return false;
    if (type === WireType.Bit64) values.push(reader.double());
    else if (type === WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) values.push(packed.double());
    } else return false;
    return true;
  });
  return values;
}
