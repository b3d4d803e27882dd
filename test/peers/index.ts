/**
 * Real counterparts for tests: servers and interpreters that are built or installed on first use into `.tools/`, and started
 * on free ports. Each throws `MissingTool` when the machine lacks what it takes. Whoever starts one closes it.
 */
export { type Jaeger, jaeger } from './jaeger.ts';
export { go, goProgram, java, type PluginServerOptions, pythonServer } from './plugin-servers.ts';
export { python } from './python.ts';
export { type Valkey, valkey } from './valkey.ts';
