import { z } from 'zod';

// The small words that the schema is written in. `unit` and `writeOnly` (never shown in messages) go into the published JSON Schema
// with the description; `examples` and defaults are what messages suggest.

/** A time in milliseconds, at least 1. */
export function ms(fallback: number, description: string) {
  return z.int().positive().default(fallback).meta({ description, unit: 'ms' });
}

/** A time in milliseconds where 0 means that there is no limit (the description says so). */
export function msOrNone(fallback: number, description: string) {
  return z.int().nonnegative().default(fallback).meta({ description, unit: 'ms' });
}

/** A size in bytes, at least 1. */
export function bytes(fallback: number, description: string) {
  return z.int().positive().default(fallback).meta({ description, unit: 'bytes' });
}

/** A size in bytes where 0 means that there is no limit. */
export function bytesOrNone(fallback: number, description: string) {
  return z.int().nonnegative().default(fallback).meta({ description, unit: 'bytes' });
}

export function count(fallback: number, description: string) {
  return z.int().positive().default(fallback).meta({ description });
}

export function flag(fallback: boolean, description: string) {
  return z.boolean().default(fallback).meta({ description });
}

export function text(description: string, ...examples: string[]) {
  return z.string().min(1).optional().meta({ description, examples });
}

/** Text that no message shows. */
export function secret(description: string) {
  return z
    .string()
    .optional()
    .meta({ description, examples: ['env://NAME'], writeOnly: true });
}

export function path(fallback: string, description: string) {
  return z.string().min(1).default(fallback).meta({ description });
}

export function pem(description: string, example: string) {
  return z
    .string()
    .min(1)
    .optional()
    .meta({ description: `${description} (a PEM file, or its text)`, examples: [example] });
}

export function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
  fallback: Values[number],
  description: string,
) {
  return z
    .enum(values)
    .default(fallback as never)
    .meta({ description });
}

export function section<Shape extends z.ZodRawShape>(description: string, shape: Shape) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description });
}

/** TLS towards a server that we call. */
export function clientTls(description: string) {
  return z
    .strictObject({
      ca: pem('Authorities whose certificates are believed, instead of the well-known ones', 'ca.pem'),
      cert: pem('Our own certificate, for servers that ask for one', 'client.pem'),
      key: pem('Its private key', 'client-key.pem').meta({ writeOnly: true }),
      serverName: text(
        "Name to look for in the server's certificate, instead of the target's host",
        'plugins.internal',
      ),
      insecureSkipVerify: flag(false, 'Believe any certificate. For trying things out only'),
    })
    .optional()
    .meta({ description });
}

export type ClientTlsSection = NonNullable<z.output<ReturnType<typeof clientTls>>>;

export const tlsVersion = ['TLSv1.2', 'TLSv1.3'] as const;
