// time limit: 300 s
import { conformance } from './cases.ts';

conformance(['lua'], false);
conformance(['lua'], true);
