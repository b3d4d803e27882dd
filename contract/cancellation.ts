/**
 * Tells a call that nobody waits for it any more. One is made per request, so it is a plain object; who needs an `AbortSignal`
 * asks for one and pays for it then.
 */
export class Cancellation {
  private listeners: (() => void)[] | undefined;
  private controller: AbortController | undefined;
  cancelled = false;

  /** Call back on cancellation: at once if it has happened. Returns how to stop listening. */
  onCancel(listener: () => void): () => void {
    if (this.cancelled) {
      listener();
      return () => {};
    }
    this.listeners ??= [];
    this.listeners.push(listener);
    return () => {
      const at = this.listeners?.indexOf(listener) ?? -1;
      if (at >= 0) this.listeners?.splice(at, 1);
    };
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelled) this.controller.abort();
    }
    return this.controller.signal;
  }

  /** Cancel; the second time does nothing. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    const listeners = this.listeners;
    this.listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
    this.controller?.abort();
  }
}
