// time limit: 300 s
import { conformance } from './cases.ts';

conformance(['py'], false);
conformance(['py'], true);
