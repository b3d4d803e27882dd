import { performance } from 'node:perf_hooks';
import { jaegerBinary } from './jaeger.ts';
import { goProgram, javaJar } from './plugin-servers.ts';
import { pythonEnvironment } from './python.ts';

/** Builds all peers ahead of the tests, which would else build them one by one. Fails after the last one if any failed. */
const builds: Record<string, () => Promise<string>> = {
  jaeger: jaegerBinary,
  python: pythonEnvironment,
  go: () => goProgram('examples/go'),
  java: () => javaJar('examples/java'),
};

await Promise.all(
  Object.entries(builds).map(async ([name, build]) => {
    const startedMs = performance.now();
    try {
      await build();
      console.log(`peer ${name}: ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    } catch (error) {
      console.log(`peer ${name}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }),
);
