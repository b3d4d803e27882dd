export { createGrpcDriver } from './grpc-driver.ts';
export type { PluginServerOptions } from './servers.ts';
