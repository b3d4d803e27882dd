/**
 * A regular expression of an operator, to be tried on text of clients: it takes time in proportion to the text's length, whatever the
 * two hold.
 */
export interface TextPattern {
  /** As the definition has it. */
  readonly source: string;
  test(text: string): boolean;
  /** The first match and its groups (empty for groups that took no part), or undefined. */
  groups(text: string): readonly string[] | undefined;
  /** All matches, without their groups. */
  all(text: string): readonly string[];
}
