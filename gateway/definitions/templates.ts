import type { DefinitionOptions } from './options.ts';
import type { Report } from './problem.ts';
import { parseTemplate, type TemplateScope, type TextTemplate } from './text-template.ts';

/** Parses the texts of one definition that may hold variables. */
export class Templates {
  private readonly report: Report;
  private readonly scope: TemplateScope;

  constructor(report: Report, options: DefinitionOptions, contextVariables: boolean) {
    this.report = report;
    const secret = (store: 'env' | 'conf', name: string): string | undefined =>
      store === 'env' ? options.env[`TYK_SECRET_${name.toUpperCase()}`] : options.secrets[name];
    this.scope = { contextVariables, groups: undefined, secret };
  }

  /** @param groups number of groups that `$1`, `$2`, ... may refer to; without it they stand for themselves. */
  parse(text: string, path: string, groups?: number): TextTemplate {
    try {
      return parseTemplate(text, { ...this.scope, groups });
    } catch (error) {
      this.report.invalid(path, (error as Error).message, 'set the secret, or write the value itself');
      return '';
    }
  }
}
