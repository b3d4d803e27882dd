export { type Coprocess, createCoprocess } from './coprocess.ts';
export { GatewayHost } from './gateway-host.ts';
export { installServed } from './install-served.ts';
export { type CoprocessServerOptions, serveCoprocess } from './serve.ts';
