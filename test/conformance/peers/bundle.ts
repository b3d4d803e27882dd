import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** A bundle of a case: an archive as it is, or a manifest and files to make one of. */
export interface BundleSpec {
  readonly zip64?: string;
  readonly manifest?: { readonly file_list?: readonly string[]; readonly [key: string]: unknown };
  readonly files?: Readonly<Record<string, string>>;
  /** In place of the right one; null: none. */
  readonly checksum?: string | null;
  /** More members of the manifest. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The archive: manifest first, then the files; the checksum is the MD5 of the listed ones, in order. */
export async function bundleBytes(spec: BundleSpec): Promise<Buffer> {
  if (spec.zip64 !== undefined) return Buffer.from(spec.zip64, 'base64');
  const { manifest = {}, files = {}, checksum = 'auto', extra } = spec;
  const sum = createHash('md5');
  for (const name of manifest.file_list ?? []) sum.update(files[name] ?? '');
  const filled = {
    ...manifest,
    ...(checksum !== null && { checksum: checksum === 'auto' ? sum.digest('hex') : checksum }),
    ...extra,
  };
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(JSON.stringify(filled)), 'manifest.json');
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
}
