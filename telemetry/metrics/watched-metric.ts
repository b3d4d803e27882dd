import type { Exposition, Sample } from './family.ts';

/** A metric whose values somebody else keeps: asked at each scrape. */
export class WatchedMetric {
  readonly name: string;
  private readonly type: 'gauge' | 'counter';
  private readonly help: string;
  private readonly labelName: string;
  private readonly read: () => Iterable<readonly [label: string, value: number]>;

  constructor(
    type: 'gauge' | 'counter',
    name: string,
    help: string,
    labelName: string,
    read: () => Iterable<readonly [label: string, value: number]>,
  ) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.labelName = labelName;
    this.read = read;
  }

  get(): Promise<Exposition> {
    const values = Array.from(
      this.read(),
      ([label, value]): Sample => ({ value, labels: { [this.labelName]: label }, sharedLabels: {} }),
    );
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, aggregator: 'sum', values });
  }
}
