import { Family, type Sample } from './family.ts';

/** Counts observations by size. */
export class Histogram {
  readonly bounds: readonly number[];
  /** By bucket, not summed up; the last one is for what is beyond all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }
}

export class HistogramFamily extends Family<Histogram> {
  protected readonly type = 'histogram';
  private readonly bounds: readonly number[];
  private readonly boundLabels: readonly { readonly le: number | string }[];

  /** @param bounds upper bounds of the buckets, ascending, in the unit that the name says */
  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.bounds = bounds;
    this.boundLabels = [...bounds, '+Inf'].map((le) => ({ le }));
  }

  protected create(): Histogram {
    return new Histogram(this.bounds);
  }

  /** A histogram that has seen nothing stays out: a thousand APIs at rest would be megabytes of zeros. */
  protected sample(child: Histogram, sharedLabels: Record<string, string>, into: Sample[]): void {
    let count = 0;
    const samples = this.boundLabels.map((labels, i): Sample => {
      count += child.counts[i] as number;
      return { value: count, metricName: `${this.name}_bucket`, labels, sharedLabels };
    });
    if (count === 0) return;
    into.push(
      ...samples,
      { value: child.sum, metricName: `${this.name}_sum`, labels: {}, sharedLabels },
      { value: count, metricName: `${this.name}_count`, labels: {}, sharedLabels },
    );
  }
}
