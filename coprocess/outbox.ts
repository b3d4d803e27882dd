/**
 * The sending side of one stream, as nice-grpc wants it: it asks for the next message when the one before is out, so what gathers
 * meanwhile goes out as one.
 */
export class Outbox implements AsyncIterableIterator<Buffer> {
  private readonly pull: () => Buffer | undefined;
  private waiting: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;
  private ended = false;
  private error: Error | undefined;

  /** `pull` gives the next message, if there is one. */
  constructor(pull: () => Buffer | undefined) {
    this.pull = pull;
  }

  /** There may be a message now. */
  wake(): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    this.waiting = undefined;
    const message = this.pull();
    if (message === undefined) this.waiting = waiting;
    else waiting.resolve({ value: message, done: false });
  }

  /** End the stream once what there is has gone out; with an error, at once. */
  end(error?: Error): void {
    this.ended = true;
    this.error ??= error;
    if (this.waiting === undefined) return;
    const { resolve, reject } = this.waiting;
    this.waiting = undefined;
    if (this.error === undefined) resolve(finished);
    else reject(this.error);
  }

  next(): Promise<IteratorResult<Buffer>> {
    if (this.error !== undefined) return Promise.reject(this.error);
    const message = this.pull();
    if (message !== undefined) return Promise.resolve({ value: message, done: false });
    if (this.ended) return Promise.resolve(finished);
    this.waiting = Promise.withResolvers();
    return this.waiting.promise;
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.end();
    return Promise.resolve(finished);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const finished: IteratorReturnResult<undefined> = { value: undefined, done: true };
