import { z } from 'zod';

/**
 * What becomes of one key of a tyk.conf.
 *
 * - `honoured`: it acts here, as `to` where it is one key of ours, else as `note` says. - `harmless`: it has no effect here, and `note`
 *   says why it needs none. - `feature`: something we lack; switched on it is refused, and `note` is the cure.
 */
export interface Fate {
  readonly fate: 'honoured' | 'harmless' | 'feature';
  readonly note: string;
  /** Key of our configuration that it becomes, as it is or in other units. */
  readonly to?: string;
  readonly unit?: 's' | undefined;
  /** The original's name of the field, where it is not the key in other letters: environment variables go by it. */
  readonly go?: string | undefined;
  readonly isOn?: (value: never) => boolean;
  /** Switch at the root without which features in this block do not count. */
  readonly switch?: string | undefined;
}

/** The same key as one of ours. */
export function same<Type extends z.ZodType>(type: Type, to: string, go?: string) {
  return fated(type, { fate: 'honoured', note: '', to, go });
}

/** Seconds that become one of our keys, in milliseconds. */
export function seconds(to: string) {
  return fated(z.number(), { fate: 'honoured', note: '', to, unit: 's' });
}

/** Acts together with others: see translate.ts. */
export function honoured<Type extends z.ZodType>(type: Type, note: string, go?: string) {
  return fated(type, { fate: 'honoured', note, go });
}

export function harmless(note: string, go?: string) {
  return fated(z.unknown(), { fate: 'harmless', note, go });
}

/** @param cure what to do without it; @param isOn for values that mean "off"; absent: what is neither false, 0 nor empty is on */
export function feature(cure: string, isOn: (value: never) => boolean = isFilled, go?: string) {
  return fated(z.unknown(), { fate: 'feature', note: cure, isOn, go });
}

export function block<Shape extends z.ZodRawShape>(shape: Shape) {
  return fated(z.object(shape), { fate: 'honoured', note: '' });
}

/** A block that counts only when a switch at the root is on. */
export function switchedBlock<Shape extends z.ZodRawShape>(key: string, shape: Shape) {
  return fated(z.object(shape), { fate: 'honoured', note: '', switch: key });
}

function fated<Type extends z.ZodType>(type: Type, fate: Fate) {
  return type.optional().meta({ ...fate });
}

export function fateOf(field: z.core.$ZodType): Fate {
  return (field as z.ZodType).meta() as unknown as Fate;
}

/** The fields below a block; undefined for a plain field. */
export function shapeOf(field: z.core.$ZodType): z.core.$ZodShape | undefined {
  const inner = field instanceof z.ZodOptional ? field.unwrap() : field;
  return inner instanceof z.ZodObject ? inner.shape : undefined;
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(isFilled);
  return Boolean(value);
}

/** For blocks that count only when their switch is on. */
export function switchedBy(key: string): (value: unknown) => boolean {
  return (value) => typeof value === 'object' && value !== null && (value as Record<string, unknown>)[key] === true;
}
