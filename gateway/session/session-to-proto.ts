import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { goJson, int64 } from './go-json.ts';
import type { AccessRight, Session } from './session.ts';
import { f, type ScalarKind, scalars } from './session-fields.ts';
import { emptyMap } from './shape.ts';

/** Field of `coprocess.Object` that holds its metadata. */
const objectMetadata = 5;

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
