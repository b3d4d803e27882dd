export { type ClientSpan, createGrpcDriver, type GrpcDriverOptions } from './grpc-driver.ts';
export type { PluginServerOptions } from './servers.ts';
