// time limit: 300 s
import { conformance } from './cases.ts';

conformance(['def'], false);
