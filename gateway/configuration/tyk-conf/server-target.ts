/**
 * Why the original cannot use a value of `coprocess_grpc_server`, so that its driver is not loaded and hooks answer 500; undefined when
 * it can. It parses the text as Go's net/url does, which takes `localhost:5555` for scheme and rest, and refuses `127.0.0.1:5555`.
 */
export function targetProblem(target: string): string | undefined {
  if (target === '') return 'it is empty';
  if (target.startsWith(':')) return 'it has no scheme; write tcp://host:port';
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(target)?.[1]?.toLowerCase();
  const firstSegment = target.split('/', 1)[0] as string;
  if (scheme === undefined && firstSegment.includes(':'))
    return 'an address without a scheme cannot be parsed; write tcp://host:port';
  if (scheme === undefined) return 'it has no port; write tcp://host:port';
  if (scheme === 'tcp') {
    return /^tcp:\/\/(?:\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/i.test(target)
      ? undefined
      : 'it is not tcp://host:port';
  }
  if (scheme === 'unix') return undefined;
  if (scheme === 'dns') return /^dns:(?:\/\/[^/]*\/)?[^\s/]+$/i.test(target) ? undefined : 'it is not dns:///host:port';
  if (/^[^\s:/]+:\d{1,5}$/.test(target)) return undefined;
  return `targets of the kind ${scheme} are not known; write tcp://host:port, dns:///host:port or unix:///path`;
}
