// time limit: 300 s
import { allCases } from './all-drivers.ts';

allCases('typescript');
