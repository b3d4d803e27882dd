// time limit: 300 s
import { conformance } from './cases.ts';

conformance(['bundle', 'bundle-head', 'bundle-off', 'bundle-signed'], false);
