/** One line of exposition, in the form that prom-client writes. */
export interface Sample {
  readonly value: number;
  /** Absent: the family's own name. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Written once and kept by prom-client: the same object must always have the same content. */
  readonly sharedLabels: Readonly<Record<string, string>>;
}

/** What prom-client's registry asks a metric for. */
export interface Exposition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly Sample[];
}

/**
 * Metrics of one name, told apart by labels. prom-client's own take 0.2 to 0.4 us per change, for they look labels up each time, and a
 * request makes ten; here who counts holds on to a child, and counting is an addition. prom-client still writes the exposition: it
 * takes every object that has a name and a `get`.
 */
export abstract class Family<Child> {
  readonly name: string;
  protected readonly help: string;
  private readonly labelNames: readonly string[];
  private readonly children = new Map<string, { readonly labels: Record<string, string>; readonly child: Child }>();

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  /** The child with these label values, in the order of the names; the same values always give the same child. */
  child(...values: string[]): Child {
    const key = values.join('\0');
    const known = this.children.get(key);
    if (known !== undefined) return known.child;
    const labels: Record<string, string> = {};
    for (const [i, name] of this.labelNames.entries()) labels[name] = values[i] ?? '';
    const child = this.create();
    this.children.set(key, { labels, child });
    return child;
  }

  /** Forget all children with this value of a label. Who still holds one counts in vain. */
  forget(labelName: string, value: string): void {
    for (const [key, { labels }] of this.children) if (labels[labelName] === value) this.children.delete(key);
  }

  get(): Promise<Exposition> {
    const values: Sample[] = [];
    for (const { labels, child } of this.children.values()) this.sample(child, labels, values);
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, aggregator: 'sum', values });
  }

  protected abstract readonly type: Exposition['type'];
  protected abstract create(): Child;
  protected abstract sample(child: Child, labels: Record<string, string>, into: Sample[]): void;
}

/** A number to be changed in place. */
export interface Value {
  value: number;
}

const noLabels = {};

export class CounterFamily extends Family<Value> {
  protected readonly type = 'counter';

  protected create(): Value {
    return { value: 0 };
  }

  protected sample(child: Value, sharedLabels: Record<string, string>, into: Sample[]): void {
    into.push({ value: child.value, labels: noLabels, sharedLabels });
  }
}

export class GaugeFamily extends Family<Value> {
  protected readonly type = 'gauge';

  protected create(): Value {
    return { value: 0 };
  }

  protected sample(child: Value, sharedLabels: Record<string, string>, into: Sample[]): void {
    into.push({ value: child.value, labels: noLabels, sharedLabels });
  }
}
