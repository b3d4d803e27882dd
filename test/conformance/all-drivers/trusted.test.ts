import { allCases } from './all-drivers.ts';

allCases('trusted');
