export { type Coprocess, type CoprocessOptions, createCoprocess } from './coprocess.ts';
export { GatewayHost, type HostServices } from './gateway-host.ts';
export { type CoprocessServer, type CoprocessServerOptions, serveCoprocess } from './serve.ts';
