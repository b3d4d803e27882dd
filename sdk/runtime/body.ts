import type { BodyKind } from '../message.ts';

/** A body in the form that its hook asked for. */
export class BodyView {
  private readonly kind: BodyKind;
  private readonly bytes: Buffer;
  /** What the hook sees: read from the bytes when first asked for, or assigned. */
  private value: unknown;
  private known = false;
  private assigned = false;
  private text: string | undefined;

  constructor(kind: BodyKind, bytes: Buffer) {
    this.kind = kind;
    this.bytes = bytes;
  }

  /** @throws {TypeError} when the hook did not ask for a body. @throws {SyntaxError} for JSON that is none. */
  read(): unknown {
    if (!this.known) {
      this.value = this.decode();
      this.known = true;
    }
    return this.value;
  }

  /** @throws {TypeError} for a value of another kind. */
  write(value: unknown): void {
    const fits =
      this.kind === 'json' || typeof value === 'string' || (this.kind === 'bytes' && value instanceof Uint8Array);
    if (this.kind === 'none') throw undeclared();
    if (!fits)
      throw new TypeError(`the body must be ${this.kind === 'text' ? 'text' : 'bytes or text'}, got ${typeof value}`);
    this.value = value;
    this.known = true;
    this.assigned = true;
  }

  /** The new body, when the hook made one. */
  changed(): Buffer | undefined {
    if (!this.known) return undefined;
    if (this.kind === 'json') return this.changedJson();
    if (!this.assigned || this.value === this.text || this.value === this.bytes) return undefined;
    if (typeof this.value === 'string') return Buffer.from(this.value, 'utf8');
    return toBuffer(this.value as Uint8Array);
  }

  private decode(): unknown {
    if (this.kind === 'none') throw undeclared();
    if (this.kind === 'bytes') return this.bytes;
    this.text = this.bytes.toString('utf8');
    if (this.kind === 'text') return this.text;
    return this.text === '' ? undefined : JSON.parse(this.text);
  }

  /** JSON may have been changed inside; that it was only written differently is no change. */
  private changedJson(): Buffer | undefined {
    const json = this.value === undefined ? '' : JSON.stringify(this.value);
    if (!this.assigned && (json === this.text || json === JSON.stringify(JSON.parse(this.text as string))))
      return undefined;
    return Buffer.from(json, 'utf8');
  }
}

/** The same bytes. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function undeclared(): TypeError {
  return new TypeError("this hook did not ask for a body: write for example pre({ body: 'text' }, ...)");
}
