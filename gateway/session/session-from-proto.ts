import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { AccessRight, AllowedUrl, Session } from './session.ts';
import { f, receivedOnly, type Scalar, type ScalarKind, scalars } from './session-fields.ts';
import { emptyMap } from './shape.ts';

const scalarByNumber = new Map([...scalars, ...receivedOnly].map((scalar) => [scalar[1], scalar]));

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
