/** How many causes are told; a longer chain is a loop or a riddle. */
const maxCauses = 8;

/** The messages of an error and of its causes, outermost first; each is left out where the one before has said it. */
export function causeChain(error: unknown): string[] {
  const chain: string[] = [];
  let current: unknown = error;
  while (current !== undefined && current !== null && chain.length < maxCauses) {
    const message = messageOf(current);
    if (message !== '' && chain.at(-1)?.includes(message) !== true) chain.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return chain;
}

/** An error and its causes on one line. */
export function describeError(error: unknown): string {
  return causeChain(error).join(': ');
}

/** Node's connection errors to several addresses say what happened only in their parts. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error.name;
}
