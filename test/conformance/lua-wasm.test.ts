// time limit: 300 s
import { dirname } from 'node:path';
import { valkey } from '../peers/index.ts';
import { conformance } from './cases.ts';

// The same cases where LuaJIT is not installed. The store's program is looked for before that.
await (await valkey()).close();
process.env.PATH = dirname(process.execPath);
conformance(['lua'], false);
