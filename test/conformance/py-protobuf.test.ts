// time limit: 300 s
import { dirname } from 'node:path';
import { python } from '../peers/index.ts';
import { conformance } from './cases.ts';

// The same cases with the real messages: their interpreter comes first on PATH, and has protobuf.
process.env.PATH = `${dirname(await python())}:${process.env.PATH}`;
conformance(['py'], false);
